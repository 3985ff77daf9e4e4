import Glibc

/// The sink's two clocks, in milliseconds.
enum SinkClock {
    /// Since 1970: for dates on the wire and in the report.
    static var wallMilliseconds: Int64 { read(CLOCK_REALTIME) }

    /// Since boot: for rates, windows and "how long ago".
    static var steadyMilliseconds: Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

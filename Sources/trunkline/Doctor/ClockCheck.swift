internal import Glibc

/// Compares this machine's clock with those of the servers.
///
/// Receivers refuse a signature whose `Date` is off: some by more than 30 s. An answer tells the
/// other clock to half of the time that it took.
struct ClockCheck {
    private(set) var findings: [Finding] = []

    private static let warningMilliseconds: Int64 = 2_000
    private static let problemMilliseconds: Int64 = 30_000

    /// - Parameter ask: the other clock, milliseconds since 1970; nil when it can't be had.
    mutating func look(at server: String, ask: () -> Int64?) {
        let before = Self.now
        guard let theirs = ask() else { return }
        let after = Self.now
        let subject = "\(server.lowercased()) clock"
        // Inside the time that the question took, nothing can be told.
        let ahead = before > theirs ? before - theirs : after < theirs ? after - theirs : 0
        let size = abs(ahead)
        let words = "\(size / 1_000).\(size % 1_000 / 100) s"
        let message =
            size < 100
            ? "agrees with this machine's"
            : "is \(words) \(ahead > 0 ? "behind" : "ahead of") this machine's"
        let mend = "run an NTP client on both machines (`timedatectl set-ntp true`)"
        if size >= Self.problemMilliseconds {
            findings.append(
                .problem(subject, message + ": receivers refuse such dates", mend: mend))
        } else if size >= Self.warningMilliseconds {
            findings.append(.warning(subject, message, mend: mend))
        } else {
            findings.append(.ok(subject, message))
        }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

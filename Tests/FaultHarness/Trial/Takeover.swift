import Glibc

/// Since 1970, as the sink counts.
typealias Milliseconds = Int64

func wallMilliseconds() -> Milliseconds {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}

/// Something happened to some partitions, and others went on with them.
struct Takeover {
    /// When it happened.
    let at: Milliseconds
    /// When each partition was seen to be served again: what comes for it from there on is a resend.
    /// nil: it hit all of them, and nothing was in flight when it was over.
    let owned: [Int: Milliseconds]?

    /// How long it took to the first resend; nil: there was none.
    func firstResend(
        in lines: [SinkProcess.Taken], partitions of: [Int: Int]
    ) -> Duration? {
        var first: Milliseconds?
        for line in lines {
            var since: Milliseconds? = at
            if let owned { since = of[line.delivery.host].flatMap { owned[$0] } }
            guard let since else { continue }
            for moment in [line.first, line.last] where moment >= since {
                first = min(first ?? moment, moment)
            }
        }
        return first.map { .milliseconds($0 - at) }
    }
}

internal import DeliveryCore

/// How many signatures a turn makes: few while somebody may be waiting for the next one.
///
/// A fresh activity takes eight turns from Redis to the wire, and in each may have to wait for what is
/// signed: beside a fan-out 51 ms with 16 signatures a turn, 16 with 4 (medians of
/// `benchmarks/urgent`). But the worker that looks for answers after each fourth signature takes 4 %
/// more CPU than one that looks after each sixteenth. So turns are long while nothing comes but what
/// many wait for: fan-outs that were read before.
struct SigningTurn {
    static let long = 16
    /// In which what has arrived comes to the wire.
    static let journey: Duration = .milliseconds(50)

    private var freshUntil: Instant?

    mutating func arrived(at now: Instant) { freshUntil = now + Self.journey }

    /// - Parameter batch: as many as crypto_mb makes at once take about as long as four by libcrypto;
    ///   nil: that signs.
    func length(at now: Instant, batch: Int?) -> Int {
        if let freshUntil, now < freshUntil { batch ?? 4 } else { Self.long }
    }
}

extension LogEntry {
    /// For one inbox, or urgent: it was not read as one of many.
    var isAwaited: Bool {
        guard case .fanout(let fanout) = content else { return false }
        return fanout.lane == .urgent || fanout.inboxes.count == 1
    }
}

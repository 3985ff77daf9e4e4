internal import DeliveryCore

/// How many signatures a turn makes: few while somebody may be waiting for the next one.
///
/// A fresh activity takes eight turns from Redis to the wire, and in each may have to wait for what is
/// signed: beside a fan-out 51 ms with 16 signatures a turn, 16 with 4 (medians of
/// `benchmarks/urgent`). But the worker that looks for answers after each fourth signature takes 4 %
/// more CPU than one that looks after each sixteenth. So turns are long while nothing comes but what
/// many wait for: fan-outs that were read before.
///
/// A batch of crypto_mb takes as long for one signature as for eight. So while batches fill, what is
/// over waits for more; not when something has come that somebody may wait for.
struct SigningTurn {
    static let long = 16
    /// From an arrival to the wire.
    static let journey: Duration = .milliseconds(50)
    /// For about how long what does not fill a batch waits for more.
    static let patience: Duration = .milliseconds(4)
    /// For how long after a batch was filled the next is expected to be.
    static let expectation: Duration = .seconds(1)

    private var freshUntil: Instant?
    private var fillsUntil: Instant?
    /// When what was left over is signed with or without more.
    private(set) var deadline: Instant?

    mutating func arrived(at now: Instant) { freshUntil = now + Self.journey }

    /// crypto_mb has had work for all of its lanes at once.
    mutating func filled(at now: Instant) { fillsUntil = now + Self.expectation }

    /// How many to sign now, in the order in which they came; 0: none before ``deadline``.
    ///
    /// - Parameter batch: as many as crypto_mb makes at once, which take about as long as four by
    ///   libcrypto; nil: libcrypto signs, and nothing is left over.
    mutating func take(from waiting: Int, at now: Instant, batch: Int?) -> Int {
        let isAwaited = freshUntil.map { now < $0 } == true
        let most = min(waiting, isAwaited ? batch ?? 4 : Self.long)
        guard let batch, let fillsUntil, !isAwaited, now < fillsUntil else {
            deadline = nil
            return most
        }
        let whole = most - most % batch
        if whole > 0 {
            deadline = whole < waiting ? now + Self.patience : nil
            return whole
        }
        let end = deadline ?? now + Self.patience
        guard now < end else {
            deadline = nil
            return most
        }
        deadline = end
        return 0
    }
}

extension LogEntry {
    /// For one inbox, or urgent: it was not read as one of many.
    var isAwaited: Bool {
        guard case .fanout(let fanout) = content else { return false }
        return fanout.lane == .urgent || fanout.inboxes.count == 1
    }
}

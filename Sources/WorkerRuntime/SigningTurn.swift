internal import DeliveryCore

/// How many signatures a turn makes: few while somebody may be waiting for the next one.
///
/// A fresh activity takes eight turns from Redis to the wire, and in each may have to wait for what is
/// signed: beside a fan-out 51 ms with 16 signatures a turn, 16 with 4 (medians of
/// `benchmarks/urgent`). But the worker that looks for answers after each fourth signature takes 4 %
/// more CPU than one that looks after each sixteenth. So turns are long while nothing comes but what
/// many wait for: fan-outs that were read before.
///
/// A batch of crypto_mb takes as long for one signature as for eight. So where turns have filled whole
/// batches just now, what is over waits for more, unless somebody waits for it.
struct SigningTurn {
    static let long = 16
    /// In which what has arrived comes to the wire.
    static let journey: Duration = .milliseconds(50)
    /// For how long what does not fill a batch waits for more.
    static let patience: Duration = .milliseconds(4)
    /// For how long after a batch was filled the next is expected to be.
    static let hope: Duration = .seconds(1)

    private var freshUntil: Instant?
    private var fillsUntil: Instant?
    /// When what was left over is signed with or without more.
    private(set) var deadline: Instant?

    mutating func arrived(at now: Instant) { freshUntil = now + Self.journey }

    /// How many to sign now, in the order in which they came.
    ///
    /// - Parameter batch: as many as crypto_mb makes at once, which take about as long as four by
    ///   libcrypto; nil: that signs.
    mutating func count(of waiting: Int, at now: Instant, batch: Int?) -> Int {
        let isAwaited = freshUntil.map { now < $0 } == true
        let most = min(waiting, isAwaited ? batch ?? 4 : Self.long)
        guard let batch, !isAwaited else {
            deadline = nil
            return most
        }
        if most >= batch {
            fillsUntil = now + Self.hope
            let whole = most - most % batch
            deadline = whole < waiting ? now + Self.patience : nil
            return whole
        }
        let end = deadline ?? now + Self.patience
        guard let fillsUntil, now < min(end, fillsUntil) else {
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

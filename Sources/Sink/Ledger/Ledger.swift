/// What came, how often, and in which order: the truth a delivery test is checked against.
///
/// Per (activity id, inbox URL) 28 bytes and 6 to 12 of index; ids and URLs once each. Bodies are
/// not kept. A request is accepted when its 2xx answer was handed to an open connection; one whose
/// client left before is abandoned.
struct Ledger {
    /// Less than 1 GB by estimate (a million pairs: 91 MB, measured). Further pairs are answered,
    /// but only counted, as `unrecorded`.
    static let maximumPairs = 8_000_000

    private(set) var totals = LedgerTotals()
    private(set) var rate = RequestRate()
    private var activities = TextTable()
    private var inboxes = TextTable()
    private var hosts = TextTable()
    private var pairs: [Pair] = []
    private var index = CompactIndex()
    private var order = OrderBook()
    private let startedMilliseconds: Int64
    private let pairLimit: Int
    /// Tells an exchange begun before a reset from one of this ledger.
    private let generation: UInt32

    private struct Pair {
        let activity: UInt32
        let inbox: UInt32
        var requests: UInt32 = 0
        var accepted: UInt32 = 0
        /// Which acceptance its first was; 0: none yet.
        var place: UInt32 = 0
        /// Milliseconds since the ledger began.
        var first: UInt32
        var last: UInt32
    }

    /// An exchange under way: what its end is written to.
    struct Ticket {
        fileprivate let generation: UInt32
        fileprivate let pair: Int?
        fileprivate let stage: OrderBook.Step?
    }

    init(nowMilliseconds: Int64, generation: UInt32 = 0, pairLimit: Int = maximumPairs) {
        startedMilliseconds = nowMilliseconds
        self.generation = generation
        self.pairLimit = pairLimit
    }

    mutating func reset(nowMilliseconds: Int64) {
        self = Ledger(
            nowMilliseconds: nowMilliseconds, generation: generation &+ 1, pairLimit: pairLimit)
    }

    // MARK: an exchange

    /// A whole request is there; `scan` nil when its body has no id or was not read.
    mutating func requestCame(
        _ scan: ActivityScan?, scheme: String, authority: String, target: String,
        isHTTP2: Bool = false, at now: Int64
    ) -> Ticket {
        totals.requests += 1
        if isHTTP2 { totals.http2Requests += 1 }
        totals.firstMilliseconds = totals.firstMilliseconds ?? now
        totals.lastMilliseconds = now
        rate.count(at: now)
        guard let scan else {
            totals.withoutID += 1
            return Ticket(generation: generation, pair: nil, stage: nil)
        }
        let inbox = "\(scheme)://\(authority)\(target)"
        guard let pair = pair(scan.id, inbox, at: now) else {
            totals.unrecorded += 1
            return Ticket(generation: generation, pair: nil, stage: nil)
        }
        pairs[pair].requests += 1
        pairs[pair].last = sinceStart(now)
        let host = hosts.add(authority)
        return Ticket(
            generation: generation, pair: pair, stage: order.step(scan, host: host))
    }

    mutating func answered(_ ticket: Ticket, status: Int) {
        guard ticket.generation == generation else { return }
        totals.answers[status, default: 0] += 1
        guard (200..<300).contains(status) else { return }
        totals.accepted += 1
        guard let pair = ticket.pair else { return }
        pairs[pair].accepted += 1
        if pairs[pair].accepted > 1 {
            totals.duplicates += 1
            return
        }
        pairs[pair].place = UInt32(clamping: totals.accepted)
        if let stage = ticket.stage { order.took(stage, hosts: hosts) }
    }

    mutating func notAnswered(_ ticket: Ticket, _ how: LedgerTotals.Unanswered) {
        guard ticket.generation == generation else { return }
        totals.unanswered[how, default: 0] += 1
    }

    mutating func disbelieved(_ ticket: Ticket, _ reason: Refusal.Reason) {
        guard ticket.generation == generation else { return }
        totals.badSignatures[reason, default: 0] += 1
    }

    mutating func requestWasNoHTTP() { totals.malformed += 1 }

    // MARK: reading

    var distinct: (activities: Int, inboxes: Int, hosts: Int, pairs: Int) {
        (activities.count, inboxes.count, hosts.count, pairs.count)
    }

    var orderViolations: Int { order.violations }
    var orderExamples: [OrderViolation] { order.examples }

    /// Where a reader of all pairs stands: it reads a slice at a time while the ledger grows.
    struct Cursor {
        fileprivate let generation: UInt32
        fileprivate let activity: Int?
        fileprivate var next = 0
    }

    /// Nil when there is no such activity.
    func cursor(activity: String?) -> Cursor? {
        guard let activity else { return Cursor(generation: generation, activity: nil) }
        guard let number = activities.number(of: activity) else { return nil }
        return Cursor(generation: generation, activity: number)
    }

    /// The next at most `count` pairs, having looked at `looks` at most; nil at the end (a reset is
    /// one, too).
    func read(_ cursor: inout Cursor, count: Int, looks: Int) -> [PairLine]? {
        guard cursor.generation == generation, cursor.next < pairs.count else { return nil }
        var lines: [PairLine] = []
        let end = min(pairs.count, cursor.next + looks)
        while cursor.next < end, lines.count < count {
            let pair = pairs[cursor.next]
            cursor.next += 1
            if let wanted = cursor.activity, Int(pair.activity) != wanted { continue }
            lines.append(
                PairLine(
                    activity: activities[Int(pair.activity)], inbox: inboxes[Int(pair.inbox)],
                    accepted: Int(pair.accepted), place: Int(pair.place),
                    requests: Int(pair.requests),
                    firstMilliseconds: startedMilliseconds + Int64(pair.first),
                    lastMilliseconds: startedMilliseconds + Int64(pair.last)))
        }
        return lines
    }

    // MARK: private

    /// The pair's place; nil when it is new and there is no room.
    private mutating func pair(_ activity: String, _ inbox: String, at now: Int64) -> Int? {
        if pairs.count >= pairLimit {
            guard let activity = activities.number(of: activity),
                let inbox = inboxes.number(of: inbox)
            else { return nil }
            return known(UInt32(activity), UInt32(inbox))
        }
        let activity = UInt32(activities.add(activity))
        let inbox = UInt32(inboxes.add(inbox))
        if let place = known(activity, inbox) { return place }
        let elapsed = sinceStart(now)
        pairs.append(Pair(activity: activity, inbox: inbox, first: elapsed, last: elapsed))
        index.insert(pairs.count - 1, hash: Self.hash(activity, inbox)) { [pairs] place in
            Self.hash(pairs[place].activity, pairs[place].inbox)
        }
        return pairs.count - 1
    }

    private func known(_ activity: UInt32, _ inbox: UInt32) -> Int? {
        index.position(hash: Self.hash(activity, inbox)) {
            pairs[$0].activity == activity && pairs[$0].inbox == inbox
        }
    }

    /// Saturates after 49 days.
    private func sinceStart(_ now: Int64) -> UInt32 {
        UInt32(clamping: now - startedMilliseconds)
    }

    private static func hash(_ activity: UInt32, _ inbox: UInt32) -> Int {
        let key = UInt64(activity) << 32 | UInt64(inbox)
        let mixed = (key ^ (key >> 29)) &* 0xbf58_476d_1ce4_e5b9
        return Int(truncatingIfNeeded: mixed ^ (mixed >> 32))
    }
}

internal import DequeModule

/// Whether it is us: when most of the hosts that used to answer do not, all at once, the way out is
/// gone (our name server, our uplink), and none of them is to blame.
///
/// It judges by the newest word of each host that is known to have answered before; strangers and
/// hosts that are given up prove nothing, nor does silence to a request older than the newest one
/// answered: a time-out comes later than answers, and would outlive them.
/// While away nothing is sent but canaries, the first answer to one of them ends it, and then the
/// whole starts slowly, as a host does after an outage.
package struct Connectivity: Sendable {
    /// A word is evidence for so long.
    package static let memory: Duration = .seconds(30)
    /// Silence that no answer has contradicted since is evidence for longer: on a worker that sends
    /// little it takes several activities until enough hosts have been asked.
    package static let silenceMemory: Duration = .seconds(300)
    /// Of fewer hosts it means nothing that most of them are silent.
    package static let fewestHosts = 10
    /// The newest words of so many: on a busy worker the answers of half a minute would hide for
    /// too long that there are none any more.
    package static let mostHosts = 128
    /// It must look like that for so long: refusals come sooner than answers.
    package static let suspicionTime: Duration = .seconds(2)
    /// After an alarm that the first canaries refuted no other is believed: so many hosts are down
    /// indeed, and meanwhile their circuits see to them.
    package static let doubtTime: Duration = .seconds(60)
    static let canaryIntervals: ClosedRange<Duration> = .seconds(1) ... .seconds(15)
    /// Canaries of a round, and in flight while earlier ones have not come to an end.
    static let canaries = 3
    static let canaryLimit = 9
    /// Transfers in flight when it is over; every answer adds one, so each round doubles them.
    static let firstSlots = 8

    /// While nobody can be reached.
    package struct Absence: Equatable, Sendable {
        /// Circuits stand still from here on.
        package let since: Instant
        var canariesDue: Instant
        /// Hosts that have had their canary; the others come first.
        var tried: Set<HostID> = []
        var hasFailed = false
    }

    private struct Word {
        var isAnswer: Bool
        var sent: Instant
        var at: Instant
    }

    package private(set) var absence: Absence?
    /// Transfers that may be in flight; nil: all slots.
    private(set) var slots: Int?
    private var words: [HostID: Word] = [:]
    /// Words in the order of their coming, outdated ones among them.
    private var order: Deque<(host: HostID, at: Instant)> = []
    /// The same of silence that would be outdated, and is not contradicted.
    private var lasting: Deque<(host: HostID, at: Instant)> = []
    private var silent = 0
    /// When the newest request was sent that was answered.
    package private(set) var newestAnswered: Instant?
    private var suspectedSince: Instant?
    private var returned: Instant?
    private var doubtedUntil: Instant?

    package init() {}

    package var isAway: Bool { absence != nil }

    /// Whether silence says nothing about the host: it was asked while nobody could be reached.
    package func excuses(sent: Instant) -> Bool { isAway || returned.map { sent < $0 } ?? false }

    // MARK: Evidence

    package mutating func heard(_ host: HostID, isAnswer: Bool, sent: Instant, at now: Instant) {
        if isAnswer {
            if let slots { self.slots = slots + 1 }
            newestAnswered = max(newestAnswered ?? sent, sent)
            forgetContradicted()
        } else if let newestAnswered, sent <= newestAnswered {
            return
        }
        let last = words[host]
        if let last, last.isAnswer == isAnswer, now - last.at < .seconds(1) { return }
        if last?.isAnswer == false { silent -= 1 }
        if !isAnswer { silent += 1 }
        words[host] = Word(isAnswer: isAnswer, sent: sent, at: now)
        order.append((host, now))
        forget(at: now)
    }

    private mutating func forget(at now: Instant) {
        while let (host, at) = lasting.first,
            words.count > Self.mostHosts || now - at > Self.silenceMemory
        {
            lasting.removeFirst()
            if words[host]?.at == at { drop(host) }
        }
        while let (host, at) = order.first, words.count > Self.mostHosts || now - at > Self.memory {
            order.removeFirst()
            guard let word = words[host], word.at == at else { continue }
            if isUnanswered(word), words.count <= Self.mostHosts {
                lasting.append((host, at))
            } else {
                drop(host)
            }
        }
    }

    /// What is older than any other word goes with the answer that contradicts it.
    private mutating func forgetContradicted() {
        guard !lasting.isEmpty else { return }
        let all = lasting
        lasting.removeAll()
        for (host, at) in all {
            guard let word = words[host], word.at == at else { continue }
            if isUnanswered(word) { lasting.append((host, at)) } else { drop(host) }
        }
    }

    private mutating func drop(_ host: HostID) {
        if words.removeValue(forKey: host)?.isAnswer == false { silent -= 1 }
    }

    /// A silent host that was asked after any that has answered.
    private func isUnanswered(_ word: Word) -> Bool {
        !word.isAnswer && newestAnswered.map { word.sent > $0 } ?? true
    }

    private mutating func forgetAll() {
        words.removeAll()
        order.removeAll()
        lasting.removeAll()
        silent = 0
        suspectedSince = nil
    }

    // MARK: Away

    /// The hosts that were silent, if it is us from now on.
    package mutating func leave(at now: Instant) -> [HostID]? {
        guard !isAway else { return nil }
        forget(at: now)
        guard words.count >= Self.fewestHosts, silent * 2 > words.count,
            words.values.count(where: isUnanswered) * 2 > words.count
        else {
            suspectedSince = nil
            return nil
        }
        let suspected = suspectedSince ?? now
        suspectedSince = suspected
        guard now - suspected >= Self.suspicionTime, doubtedUntil.map({ $0 <= now }) ?? true
        else { return nil }
        let hosts = words.filter { !$0.value.isAnswer }.keys.sorted()
        forgetAll()
        absence = Absence(since: now, canariesDue: now)
        slots = nil
        return hosts
    }

    package func mayTry(at now: Instant) -> Bool { absence.map { $0.canariesDue <= now } ?? false }

    /// A round of canaries leaves; the next one comes later, the longer it has lasted. If there was
    /// nothing to send, the next comes soon.
    mutating func tried(_ hosts: [HostID], areLast: Bool, at now: Instant) {
        guard let since = absence?.since else { return }
        let limits = Self.canaryIntervals
        let age = hosts.isEmpty ? .zero : now - since
        absence?.canariesDue = now + min(max(age / 8, limits.lowerBound), limits.upperBound)
        if areLast { absence?.tried.removeAll() }
        absence?.tried.formUnion(hosts)
    }

    mutating func canaryFailed(sent: Instant) {
        if let since = absence?.since, sent >= since { absence?.hasFailed = true }
    }

    /// A host has answered what was sent then. Returns how long it was our outage, if it ends.
    package mutating func answered(sent: Instant, at now: Instant) -> Duration? {
        guard let absence, sent >= absence.since else { return nil }
        self.absence = nil
        forgetAll()
        returned = now
        slots = Self.firstSlots
        doubtedUntil = absence.hasFailed ? nil : now + Self.doubtTime
        return now - absence.since
    }

    /// Of so many transfers those that count in the slow start: what hangs from before does not.
    func counts(sent: Instant) -> Bool { returned.map { sent >= $0 } ?? true }

    /// So many are enough for all there is.
    mutating func endSlowStart(at limit: Int) {
        if let slots, slots >= limit { self.slots = nil }
    }
}

extension TransportFailure {
    /// As it would be if our own name server, or our own uplink, were away. What else may fail shows
    /// that bytes have come from somewhere.
    package var mayBeOurs: Bool {
        switch self {
        case .nameNotFound, .nameUnavailable, .connectFailed, .connectTimedOut, .timedOut,
            .connectionLost:
            true
        case .tlsFailed, .certificateInvalid, .malformedAnswer, .forbiddenAddress, .notSent: false
        }
    }
}

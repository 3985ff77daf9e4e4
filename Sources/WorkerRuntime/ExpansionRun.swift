internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys
internal import Transport

/// Performs one expansion: keys, audiences page by page, then one PostgreSQL transaction.
///
/// Recipients become inbox ids a page at a time, so an audience of 100,000 costs 400 kB here, not
/// its URLs.
final class ExpansionRun {
    /// Recipients that are resolved with one question.
    static let pageSize = 2_000

    /// What the run needs of the worker.
    struct Means {
        var store: PostgresStore
        var inboxes: InboxDirectory
        var keys: KeySource
        var addresses: AddressBook
        /// Lower-case authorities of our own.
        var ownHosts: Set<String>
        /// The relation that named audiences are read from.
        var audienceRelation: String
        var pausedSenders = PausedSenders()
        var wall: WallTime
        /// Told of deliveries that are dropped because their hosts are dead.
        var recordDropped: (Lane, Int) -> Void = { _, _ in }
        /// Told of what was stored and goes on to its hosts now, and of each Delete.
        var remember: (ActivityRow) -> Void = { _ in }
        /// Takes each entry into hand while it is looked at.
        var holding: (IntakeReference, () -> Void) -> Void = { $1() }
    }

    private struct Item {
        let reference: IntakeReference
        var job: Job
        var collapse: Collapse
        /// Recipients not yet looked at, in reverse order.
        var remaining: [Recipient] = []
        var personal = PersonalInboxes()
        /// Where the next page of a named audience starts; nil: no more pages.
        var nextPage: Page?
        var audience: Set<InboxID> = []
        var routes = Routes()
        var unusable: [ExpandedActivity.Unusable] = []
        /// Inboxes of hosts that are dead.
        var dropped: [InboxID] = []
        var parkedReason: String?
        /// PostgreSQL refuses something of this one for good: the others go on without it.
        var rejection: Rejection?

        /// What a producer cannot help, that nobody is left or that all have gone, is put on
        /// record; recipients of which not one is an inbox are a mistake.
        var isStorable: Bool {
            rejection == nil
                && (!routes.isEmpty || !dropped.isEmpty || unusable.isEmpty
                    || unusable.contains { $0.isGone })
        }

        enum Page { case after(String?) }
    }

    private let means: Means
    private var items: [Item]
    private let completion: (Result<[ExpansionResult], StoreFailure>) -> Void

    init(
        _ jobs: [ExpansionJob], means: Means,
        completion: @escaping (Result<[ExpansionResult], StoreFailure>) -> Void
    ) {
        self.means = means
        self.completion = completion
        items = []
        for job in jobs {
            means.holding(job.reference) {
                items.append(Self.item(of: job, ownHosts: means.ownHosts))
            }
        }
    }

    private static func item(of expansion: ExpansionJob, ownHosts: Set<String>) -> Item {
        let job = expansion.job
        var own = ownHosts
        if let actor = try? InboxURL.parse(job.actor) { own.insert(actor.authority) }
        var item = Item(
            reference: expansion.reference, job: job,
            collapse: Collapse(ownHosts: own, exclude: job.exclude))
        switch job.audience {
        case .recipients(let recipients): item.remaining = recipients.reversed()
        case .named: item.nextPage = .after(nil)
        }
        return item
    }

    func start() {
        let wanted = Set(items.compactMap { try? KeyID($0.job.key) })
        means.keys.learn(wanted) { result in
            switch result {
            case .failure(let failure): self.completion(.failure(failure))
            case .success(let unusable):
                for index in self.items.indices {
                    guard let key = try? KeyID(self.items[index].job.key) else { continue }
                    self.items[index].parkedReason =
                        unusable[key]
                        ?? self.means.pausedSenders.reason(for: key.text, at: self.means.wall)
                }
                self.resolveNextPage()
            }
        }
    }

    // MARK: Audiences

    private func resolveNextPage() {
        if let index = items.firstIndex(where: { $0.remaining.isEmpty && $0.nextPage != nil }) {
            return readPage(of: index)
        }
        for index in items.indices { items[index].personal.pageBegan() }
        var room = Self.pageSize
        for index in items.indices where room > 0 && !items[index].remaining.isEmpty {
            let count = min(room, items[index].remaining.count)
            room -= count
            means.holding(items[index].reference) { look(at: count, of: index) }
        }
        room == Self.pageSize ? store() : resolvePage()
    }

    private func look(at count: Int, of index: Int) {
        for _ in 0..<count {
            guard let recipient = items[index].remaining.popLast() else { break }
            let turned = items[index].personal.arrived(
                recipient, address: means.addresses.address)
            items[index].collapse.add(turned, address: means.addresses.address)
        }
    }

    private func readPage(of index: Int) {
        guard case .named(let name) = items[index].job.audience,
            case .after(let last) = items[index].nextPage
        else { preconditionFailure("only a named audience has pages") }
        means.store.audiencePage(
            relation: means.audienceRelation, name: name, after: last, limit: Self.pageSize
        ) { result in
            switch result {
            case .failure(let failure):
                guard failure.isPermanent else { return self.completion(.failure(failure)) }
                self.reject(
                    index,
                    .unreadableAudience(name, relation: self.means.audienceRelation, failure))
                self.resolveNextPage()
            case .success(let members):
                self.items[index].remaining = members.reversed().map {
                    Recipient(inbox: $0.inbox, sharedInbox: $0.sharedInbox)
                }
                self.items[index].nextPage =
                    members.count < Self.pageSize ? nil : .after(members.last?.inbox)
                self.resolveNextPage()
            }
        }
    }

    /// Inboxes that one question asks for, all of one item.
    private struct Gathered {
        var item: Int
        var addresses: [InboxAddress]
        var problems: [AddressProblem?]
    }

    /// Turns what the collapse has gathered into ids. URLs of several items go in one question.
    private func resolvePage() {
        let gathered = items.indices.compactMap { index -> Gathered? in
            let (inboxes, unusable) = items[index].collapse.take()
            let addresses =
                inboxes.map { InboxAddress(url: $0.url, host: $0.host, isShared: $0.isShared) }
                + unusable.map { InboxAddress(url: $0.url, host: nil, isShared: false) }
            guard !addresses.isEmpty else { return nil }
            return Gathered(
                item: index, addresses: addresses,
                problems: inboxes.map { _ in nil } + unusable.map(\.problem))
        }
        resolve([gathered[...]])
    }

    /// Asks for one part after the other. A part that PostgreSQL refuses for good is halved until
    /// one item is to blame.
    private func resolve(_ parts: [ArraySlice<Gathered>]) {
        guard let part = parts.last else { return resolveNextPage() }
        let rest = Array(parts.dropLast())
        guard let first = part.first else { return resolve(rest) }
        means.inboxes.resolve(part.flatMap(\.addresses)) { result in
            switch result {
            case .failure(let failure):
                guard failure.mayBlameAnEntry else { return self.completion(.failure(failure)) }
                if part.count == 1 {
                    self.reject(first.item, .unresolvableInboxes(failure))
                    return self.resolve(rest)
                }
                let middle = part.startIndex + part.count / 2
                self.resolve(rest + [part[middle...], part[..<middle]])
            case .success(let rows):
                self.take(rows, of: part)
                self.resolve(rest)
            }
        }
    }

    private func reject(_ index: Int, _ rejection: Rejection) {
        items[index].rejection = rejection
        items[index].remaining = []
        items[index].nextPage = nil
    }

    private func take(_ rows: [InboxRow], of part: ArraySlice<Gathered>) {
        var rows = rows[...]
        for gathered in part {
            let own = rows.prefix(gathered.addresses.count)
            rows = rows.dropFirst(gathered.addresses.count)
            means.holding(items[gathered.item].reference) { take(own, of: gathered) }
        }
    }

    private func take(_ own: ArraySlice<InboxRow>, of gathered: Gathered) {
        let gone = zip(gathered.addresses, own).filter(\.1.isGone).map(\.0.url)
        var replaced: Set<String> = []
        if !gone.isEmpty {
            let turned = items[gathered.item].personal.sharedGone(
                Set(gone), address: means.addresses.address)
            items[gathered.item].remaining += turned.again
            replaced = turned.replaced
        }
        for (index, row) in own.enumerated()
        where !replaced.contains(gathered.addresses[index].url) {
            take(row, gathered.item, gathered.problems[index])
        }
    }

    private func take(_ row: InboxRow, _ index: Int, _ problem: AddressProblem?) {
        guard items[index].audience.insert(row.id).inserted else { return }
        if let problem = problem ?? row.problem {
            items[index].unusable.append(
                ExpandedActivity.Unusable(
                    inbox: row.id, reason: problem.reason, detail: problem.detail))
        } else if row.isHostDead {
            items[index].dropped.append(row.id)
        } else if let partition = row.partition {
            items[index].routes.add(row.id, to: partition)
        }
    }

    // MARK: Storing

    private func store() {
        let usable = items.indices.filter { items[$0].isStorable }
        guard !usable.isEmpty else {
            return completion(.success(items.map { .refused(Self.rejection(of: $0)) }))
        }
        var activities: [ExpandedActivity] = []
        for index in usable {
            means.holding(items[index].reference) {
                activities.append(Self.activity(of: items[index]))
            }
        }
        means.store.expand(activities) { result in
            switch result {
            case .failure(let failure): self.completion(.failure(failure))
            case .success(let stored): self.stored(stored, of: usable)
            }
        }
    }

    private static func activity(of item: Item) -> ExpandedActivity {
        var name: String?
        if case .named(let audience) = item.job.audience { name = audience }
        // Where nothing is to be sent, no key is waited for.
        let parkedReason = item.routes.isEmpty ? nil : item.parkedReason
        return ExpandedActivity(
            idempotencyKey: item.job.idempotencyKey, activityID: item.job.activityID,
            type: item.job.type, body: item.job.activity,
            digest: SHA256.hash(item.job.activity), keyID: item.job.key,
            contentType: item.job.contentType, lane: item.job.lane,
            orderingKey: item.job.orderingKey, audience: item.audience.sorted(),
            audienceName: name, synchronization: item.job.synchronizedCollection,
            expires: item.job.expires, unusable: item.unusable,
            dropped: item.dropped, parkedReason: parkedReason)
    }

    private static func rejection(of item: Item) -> Rejection {
        item.rejection ?? .unusableAudience(item.unusable)
    }

    /// Entries that were known already are routed by the audience on record.
    private func stored(_ results: [StoredActivity], of usable: [Int]) {
        var answers: [ExpansionResult] = items.map { .refused(Self.rejection(of: $0)) }
        var known: [(Int, ActivityID, Lane, [InboxID])] = []
        for (index, result) in zip(usable, results) {
            switch result {
            case .stored(let row):
                means.recordDropped(items[index].job.lane, items[index].dropped.count)
                let isRouted = items[index].parkedReason == nil && !items[index].routes.isEmpty
                if isRouted || row.type == "Delete" { means.remember(row) }
                answers[index] =
                    isRouted || items[index].routes.isEmpty
                    ? .stored(
                        ExpansionResult.Stored(
                            activity: row.id, lane: items[index].job.lane,
                            sender: SenderID(stored: items[index].job.key),
                            routes: items[index].routes, again: false))
                    : .parked
            case .parkedBehind: answers[index] = .parked
            case .known(_, _, _, let parked) where parked:
                answers[index] = .parked
            case .known(let activity, let lane, let audience, _):
                known.append((index, activity, lane, audience))
            case .refused(let state, let message):
                answers[index] = .refused(.refusedActivity(sqlState: state, message))
            }
        }
        routeKnown(known, answers)
    }

    private func routeKnown(
        _ known: [(Int, ActivityID, Lane, [InboxID])], _ answers: [ExpansionResult]
    ) {
        guard let (index, activity, lane, audience) = known.last else {
            return completion(.success(answers))
        }
        means.inboxes.load(audience) { result in
            switch result {
            case .failure(let failure): self.completion(.failure(failure))
            case .success(let rows):
                var answers = answers
                answers[index] = .stored(
                    ExpansionResult.Stored(
                        activity: activity, lane: lane,
                        sender: SenderID(stored: self.items[index].job.key),
                        routes: Routes(of: rows), again: true))
                self.routeKnown(known.dropLast(), answers)
            }
        }
    }
}

extension ExpandedActivity.Unusable {
    fileprivate static let goneReason = "inbox-gone"

    fileprivate var isGone: Bool { reason == Self.goneReason }
}

extension InboxRow {
    /// Why nothing is sent to it, whatever its URL looks like now.
    fileprivate var problem: AddressProblem? {
        if partition == nil {
            return AddressProblem(
                reason: "unusable-inbox", detail: "the inbox was recorded as unusable before")
        }
        if isGone {
            return AddressProblem(
                reason: ExpandedActivity.Unusable.goneReason,
                detail: "it has answered 404 or 410 three times; it is tried again 30 days after")
        }
        return nil
    }
}

extension Routes {
    init(of rows: [InboxRow]) {
        self.init()
        for row in rows {
            if let partition = row.partition { add(row.id, to: partition) }
        }
    }
}

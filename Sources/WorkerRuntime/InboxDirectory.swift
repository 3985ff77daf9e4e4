internal import DeliveryCore
internal import EventLoop
internal import PostgresStore

/// Inboxes by URL and by id: from memory where what PostgreSQL has told is fresh, else from there.
final class InboxDirectory {
    private let loop: EventLoop
    private let store: PostgresStore
    private var fresh: FreshInboxes
    /// Counts how often all was forgotten: what was asked for before is not believed after.
    private var epoch = 0
    /// A completion never runs inside the call that asked for it, also when all is known.
    private var known: [() -> Void] = []
    private var nextTurn: LoopTimer?

    init(loop: EventLoop, store: PostgresStore) {
        self.loop = loop
        self.store = store
        fresh = FreshInboxes(now: EventLoop.now)
    }

    /// As `PostgresStore.resolveInboxes`: the rows in the order of the addresses.
    func resolve(
        _ addresses: [InboxAddress],
        completion: @escaping (Result<[InboxRow], StoreFailure>) -> Void
    ) {
        fresh.age(at: EventLoop.now)
        var known: [InboxRow] = []
        known.reserveCapacity(addresses.count)
        var unknown: [Int] = []
        for (index, address) in addresses.enumerated() {
            if let row = fresh.row(address) { known.append(row) } else { unknown.append(index) }
        }
        if unknown.isEmpty { return soon { [known] in completion(.success(known)) } }
        store.resolveInboxes(unknown.map { addresses[$0] }) { [weak self, epoch, known] result in
            guard let self, case .success(let found) = result else { return completion(result) }
            guard epoch == self.epoch else {
                return resolve(addresses, completion: completion)
            }
            guard found.count == unknown.count else {
                return completion(.failure(.away("rows of trunkline.inbox have vanished")))
            }
            fresh.learn(found, at: EventLoop.now)
            completion(.success(Self.merge(known, with: found, at: unknown)))
        }
    }

    /// - Parameter places: where those that were found stand among all, ascending.
    private static func merge(
        _ known: [InboxRow], with found: [InboxRow], at places: [Int]
    ) -> [InboxRow] {
        var rows: [InboxRow] = []
        rows.reserveCapacity(known.count + found.count)
        var rest = known[...]
        for (row, place) in zip(found, places) {
            let before = rest.prefix(place - rows.count)
            rest = rest.dropFirst(before.count)
            rows += before
            rows.append(row)
        }
        return rows + rest
    }

    /// As `PostgresStore.loadInboxes`: those that exist, in no particular order.
    func load(
        _ ids: [InboxID], completion: @escaping (Result<[InboxRow], StoreFailure>) -> Void
    ) {
        fresh.age(at: EventLoop.now)
        var rows: [InboxRow] = []
        var unknown: [InboxID] = []
        for id in ids {
            if let row = fresh.row(id) { rows.append(row) } else { unknown.append(id) }
        }
        if unknown.isEmpty { return soon { completion(.success(rows)) } }
        store.loadInboxes(unknown) { [weak self, epoch] result in
            guard let self, case .success(let found) = result else { return completion(result) }
            guard epoch == self.epoch else { return load(ids, completion: completion) }
            fresh.learn(found, at: EventLoop.now)
            completion(.success(rows + found))
        }
    }

    /// What is being written down of inboxes and hosts is asked for anew.
    func doubt(_ inboxes: some Sequence<InboxID>, hosts: some Sequence<HostID>) {
        fresh.doubt(inboxes, hosts: hosts, at: EventLoop.now)
    }

    /// Another server may answer from now on, or another worker may have written.
    func forgetAll() {
        epoch += 1
        fresh.forgetAll(at: EventLoop.now)
    }

    private func soon(_ completion: @escaping () -> Void) {
        known.append(completion)
        guard known.count == 1 else { return }
        let timer = nextTurn ?? loop.timer { [unowned self] in answerKnown() }
        nextTurn = timer
        timer.start(after: .zero)
    }

    private func answerKnown() {
        let batch = known
        known.removeAll()
        for completion in batch { completion() }
    }
}

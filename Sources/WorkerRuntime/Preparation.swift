internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys
internal import Transport

/// Answers one `prepare` of the machine: three questions to PostgreSQL side by side, as far as they
/// are not answered, then the keys.
///
/// Bodies go on the shelf; the machine gets the facts that it decides by.
final class PreparationRun {
    private let request: PreparationRequest
    /// Those of the activities that were stored just now.
    private let known: [ActivityRow]
    private let store: PostgresStore
    private let inboxes: InboxDirectory
    private let keys: KeySource
    private let shelve: (ActivityID, LoadedActivity) -> Void
    /// Takes each activity into hand while it is looked at.
    private let holding: (ActivityID, () -> Void) -> Void
    private let completion: (Result<PreparedFacts, StoreFailure>) -> Void
    private var facts = PreparedFacts(activities: [:], inboxes: [:], settled: [:])
    private var openQuestions = 0
    private var failure: StoreFailure?

    init(
        _ request: PreparationRequest, known: [ActivityRow], store: PostgresStore,
        inboxes: InboxDirectory,
        keys: KeySource,
        shelve: @escaping (ActivityID, LoadedActivity) -> Void,
        holding: @escaping (ActivityID, () -> Void) -> Void,
        completion: @escaping (Result<PreparedFacts, StoreFailure>) -> Void
    ) {
        self.request = request
        self.known = known
        self.store = store
        self.inboxes = inboxes
        self.keys = keys
        self.shelve = shelve
        self.holding = holding
        self.completion = completion
    }

    /// The store's closures hold this object until the last answer.
    func start() {
        openQuestions = 3
        let unknown = Set(request.activities).subtracting(known.map(\.id)).sorted()
        if unknown.isEmpty {
            loaded(activities: .success(known))
        } else {
            store.loadActivities(unknown) { result in
                self.loaded(activities: result.map { self.known + $0 })
            }
        }
        if request.inboxes.isEmpty {
            answered(.success(()))
        } else {
            inboxes.load(request.inboxes) { self.loaded(inboxes: $0) }
        }
        if request.checks.isEmpty {
            answered(.success(()))
        } else {
            let checks = request.checks.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            store.settledInboxes(checks) { self.loaded(settled: $0) }
        }
    }

    private func loaded(activities result: Result<[ActivityRow], StoreFailure>) {
        switch result {
        case .failure(let failure): answered(.failure(failure))
        case .success(let rows):
            var wanted: Set<KeyID> = []
            for row in rows {
                holding(row.id) {
                    if let key = take(row) { wanted.insert(key) }
                }
            }
            keys.learn(wanted, doubting: true) { self.answered($0.map { _ in () }) }
        }
    }

    /// Answers the key to sign it with.
    private func take(_ row: ActivityRow) -> KeyID? {
        // A key id that cannot be one was refused at intake.
        guard let key = try? KeyID(row.keyID) else { return nil }
        let known = PreparedFacts.Activity(
            lane: row.lane, stored: row.createdAt, expires: row.expires,
            size: row.body.count, sender: SenderID(of: key),
            order: OrderKey(of: row.orderingKey, by: key), kind: ActivityKind(row.type),
            mayFollow: row.type != "Create" && row.orderingKey != row.activityID,
            isSuperseded: row.isSuperseded,
            quarantine: row.quarantine.map {
                "\($0.sentence); `trunkline quarantine release` sends it"
            })
        facts.activities[row.id] = known
        // Others may be on their way with the body that is on the shelf.
        guard row.quarantine == nil else { return nil }
        shelve(
            row.id,
            LoadedActivity(
                facts: known, body: RequestBody(row.body), digest: row.digest, key: key,
                contentType: row.contentType ?? "application/activity+json"))
        return key
    }

    private func loaded(inboxes result: Result<[InboxRow], StoreFailure>) {
        if case .success(let rows) = result {
            for row in rows {
                guard let host = row.host, let name = row.hostName else { continue }
                facts.inboxes[row.id] = PreparedFacts.Inbox(
                    url: row.url, host: host, hostName: name, hasStrikes: row.hasStrikes,
                    hostCondition: row.hostCondition)
            }
        }
        answered(result.map { _ in () })
    }

    private func loaded(settled result: Result<[(ActivityID, Set<InboxID>)], StoreFailure>) {
        if case .success(let found) = result {
            for (activity, inboxes) in found { facts.settled[activity] = inboxes }
        }
        answered(result.map { _ in () })
    }

    private func answered(_ result: Result<Void, StoreFailure>) {
        if case .failure(let failure) = result { self.failure = failure }
        openQuestions -= 1
        guard openQuestions == 0 else { return }
        completion(failure.map { .failure($0) } ?? .success(facts))
    }
}

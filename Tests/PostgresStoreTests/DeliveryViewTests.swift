import DeliveryCore
import EventLoop
import PostgresStore
import Testing

struct DeliveryViewTests {
    let fixture: StoreFixture
    let inboxes: [InboxID]

    init() throws {
        fixture = try StoreFixture()
        inboxes = try fixture.inboxes((1...9).map { "h\($0).example" }).map(\.id)
    }

    private func view(_ name: String) throws -> [DeliveryRecord] {
        try fixture.database.deliveries(of: "https://me.example/\(name)", limit: 100)
    }

    @Test func `every state is shown as it stands`() throws {
        var activity = ExpandedActivity.sample("note", to: Array(inboxes[0...7]))
        activity.lane = .urgent
        activity.unusable = [
            .init(inbox: inboxes[8], reason: "malformed-url", detail: "no host")
        ]
        let id = try fixture.stored(activity)
        var flush = StoreFlush.sample()
        flush.outcomes = zip(OutcomeState.allCases, inboxes).map { state, inbox in
            .init(activity: id, state: state, inboxes: [inbox], epoch: Epoch(rawValue: 1))
        }
        flush.failures = [
            .init(
                activity: id, inbox: inboxes[4], reason: "rejected", status: 422, detail: "final")
        ]
        flush.attempts = [
            .sample(id, inboxes[0]),
            .sample(id, inboxes[4], status: 503), .sample(id, inboxes[4], number: 2, status: 422),
            .sample(id, inboxes[5], reason: "connect-failed", status: nil, detail: "refused"),
            .sample(id, inboxes[6], reason: "delivered", status: 202, detail: ""),
        ]
        flush.outcomes[0].inboxes.append(inboxes[6])
        _ = try fixture.flush(flush).get()

        let rows = try view("note")
        #expect(rows.map(\.inbox) == (1...9).map { "https://h\($0).example/inbox" })
        #expect(rows.map(\.host) == (1...9).map { "h\($0).example" })
        #expect(
            rows.map(\.state) == [
                "delivered", "superseded", "expired", "dropped", "failed", "waiting", "delivered",
                "waiting", "failed",
            ])
        // A success that left no row of its own counts; a recorded one counts once.
        #expect(rows.map(\.attempts) == [2, 0, 0, 0, 2, 1, 1, 0, 0])
        #expect(rows.map(\.lastStatus) == [503, nil, nil, nil, 422, nil, 202, nil, nil])
        #expect(
            rows.map(\.lastError) == [
                "server-error: Service Unavailable", nil, nil, nil,
                "server-error: Service Unavailable", "connect-failed: refused", nil, nil,
                "malformed-url: no host",
            ])
        #expect(
            try fixture.database.query(
                """
                select distinct lane, pg_typeof(activity), pg_typeof(attempts),
                    pg_typeof(last_status), pg_typeof(updated_at)
                from trunkline.delivery
                """) == [["urgent", "text", "integer", "integer", "timestamp with time zone"]])
    }

    @Test func `of two activities with one id the newest wins, inbox by inbox`() throws {
        let old = try fixture.stored(.sample("note", to: Array(inboxes[0...1])))
        var again = ExpandedActivity.sample("note", to: Array(inboxes[1...2]))
        again.idempotencyKey = "another"
        again.lane = .bulk
        let new = try fixture.stored(again)
        var flush = StoreFlush.sample()
        flush.outcomes = [
            .init(
                activity: old, state: .delivered, inboxes: Array(inboxes[0...1]),
                epoch: Epoch(rawValue: 1)),
            .init(
                activity: new, state: .expired, inboxes: [inboxes[2]], epoch: Epoch(rawValue: 1)),
        ]
        _ = try fixture.flush(flush).get()
        #expect(try view("note").map(\.state) == ["delivered", "waiting", "expired"])
        let records = try fixture.database.activityRecords("https://me.example/note")
        #expect(records.map(\.id) == [new, old])
        #expect(records.map(\.lane) == [.bulk, .normal])
        #expect(records.map(\.counts) == [["waiting": 1, "expired": 1], ["delivered": 2]])
    }

    @Test func `a delivery after a dead letter is delivered`() throws {
        let id = try fixture.stored(.sample("note", to: [inboxes[0]]))
        var flush = StoreFlush.sample()
        flush.failures = [
            .init(activity: id, inbox: inboxes[0], reason: "gone", status: 410, detail: "")
        ]
        _ = try fixture.flush(flush).get()
        #expect(try view("note").map(\.state) == ["failed"])
        #expect(try view("note").map(\.lastStatus) == [410])
        try fixture.database.query("update trunkline.failed set replayed_at = now()")
        #expect(try view("note").map(\.state) == ["waiting"])
        var second = StoreFlush.sample(sequence: 2)
        second.outcomes = [
            .init(
                activity: id, state: .delivered, inboxes: [inboxes[0]], epoch: Epoch(rawValue: 1))
        ]
        _ = try fixture.flush(second).get()
        #expect(try view("note").map(\.state) == ["delivered"])
    }

    @Test func `a parked activity waits, names its key, and is ready when the key has come`()
        throws
    {
        let key = "https://me.example/late#key"
        var activity = ExpandedActivity.sample("note", to: Array(inboxes[0...1]), key: key)
        activity.parkedReason = "missing-key"
        let id = try fixture.stored(activity)
        #expect(try view("note").map(\.state) == ["waiting", "waiting"])
        #expect(try view("note").map(\.lastError) == ["missing key \(key)", "missing key \(key)"])
        #expect(
            try fixture.expand(activity) == [
                .known(id, .normal, audience: Array(inboxes[0...1]), parked: true)
            ])
        func ready(_ known: [String]) throws -> [ParkedActivity] {
            try fixture.answer {
                fixture.store.parkedReady(knownKeys: known, limit: 10, completion: $0)
            }
        }
        let parked = ParkedActivity(id: id, lane: .normal, audience: Array(inboxes[0...1]))
        #expect(try ready(["another"]) == [])
        #expect(try ready(["another", key]) == [parked])
        try fixture.database.addKey(keyID: key, algorithm: "rsa", pem: "-----BEGIN")
        #expect(try ready([]) == [parked])
        // Not before it was routed: it stays ready.
        #expect(try ready([]) == [parked])
        try fixture.answer { fixture.store.unparked([id], completion: $0) }
        #expect(try ready([]) == [])
        #expect(try view("note").map(\.lastError) == [nil, nil])
    }

    @Test func `of a paused sender the view says so in place of the key`() throws {
        var activity = ExpandedActivity.sample("note", to: Array(inboxes[0...0]))
        activity.parkedReason = "\(ParkedReason.pausedSender) by ann: stolen"
        _ = try fixture.stored(activity)
        #expect(try view("note").map(\.state) == ["waiting"])
        #expect(try view("note").map(\.lastError) == ["its sender is paused by ann: stolen"])
    }

    @Test func `keys are added, listed, loaded and removed`() throws {
        let database = fixture.database
        try database.addKey(keyID: "b", algorithm: "rsa", pem: "one")
        try database.addKey(keyID: "a", algorithm: "ed25519", pem: "two")
        try database.addKey(keyID: "b", algorithm: "rsa", pem: "three")
        try database.query(
            "insert into trunkline.signing_key values ('old', 'rsa', 'x', now(), now())")
        #expect(try database.listKeys().map(\.keyID) == ["a", "b", "old"])
        #expect(try database.listKeys().map { $0.retiredAt == nil } == [true, true, false])
        let loaded: [StoredKey] = try fixture.answer {
            fixture.store.loadKeys(["b", "old", "none"], completion: $0)
        }
        #expect(loaded == [StoredKey(keyID: "b", algorithm: "rsa", pem: "three")])
        #expect(try database.removeKey("b"))
        #expect(try !database.removeKey("b"))
    }

    @Test func `a host is shown with what it is owed and its last attempts`() throws {
        let id = try fixture.stored(.sample("note", to: inboxes))
        let other = try fixture.stored(.sample("other", to: inboxes))
        var flush = StoreFlush.sample()
        flush.outcomes = [
            .init(
                activity: other, state: .delivered, inboxes: [inboxes[0]], epoch: Epoch(rawValue: 1)
            )
        ]
        flush.attempts = [
            .sample(id, inboxes[0], status: 500), .sample(id, inboxes[0], number: 2, status: 502),
            .sample(id, inboxes[1]),
        ]
        flush.hosts = [
            .init(
                host: HostID(rawValue: 1), state: "open",
                condition: HostCondition(cause: "timed-out"))
        ]
        _ = try fixture.flush(flush).get()
        let name = try #require(
            try fixture.database.query("select name from trunkline.host where id = 1")[0][0])
        #expect(name == "h1.example")
        let host = try #require(try fixture.database.hostRecord(name))
        #expect(host.state == "open" && host.lastError == "timed-out" && host.owed == 1)
        #expect(host.attempts.map(\.status) == [502, 500])
        #expect(host.attempts[0].activityID == "https://me.example/note")
        #expect(try fixture.database.hostRecord("unknown.example") == nil)
    }
}

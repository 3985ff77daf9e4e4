import EventLoop
import HTTPSignatures
import PostgresStore
import SigningKeys
import Testing
import Transport

@testable import DeliveryCore
@testable import WorkerRuntime

extension WithPostgres {
    /// What PostgreSQL refuses for good costs the entry that asks for it, and no other.
    @Suite struct ExpansionRunTests {
        private let bench: Bench

        init() throws { bench = try Bench() }

        private func job(_ number: UInt64, _ audience: AudienceReference) -> ExpansionJob {
            let id = StreamID(milliseconds: number, sequence: 0)
            return ExpansionJob(
                reference: IntakeReference(lane: .normal, id: id),
                job: Job(
                    lane: .normal, activity: Array("{}".utf8),
                    activityID: "https://our.example/notes/\(number)", type: "Create",
                    actor: "https://our.example/users/a",
                    key: "https://our.example/users/a#main-key", audience: audience,
                    idempotencyKey: "key:\(number)",
                    orderingKey: "https://our.example/notes/\(number)"))
        }

        private func to(_ host: String) -> AudienceReference {
            .recipients([Recipient(inbox: "https://\(host)/inbox")])
        }

        private func run(
            _ jobs: [ExpansionJob], relation: String = "trunkline.follower",
            pausedSenders: PausedSenders = PausedSenders(),
            recordDropped: @escaping (Lane, Int) -> Void = { _, _ in }
        ) throws -> Result<[ExpansionResult], StoreFailure> {
            let keys = KeySource(
                directory: nil, store: bench.store, multiBuffer: nil, now: { EventLoop.now },
                onFlaw: { _ in },
                onFailure: { _ in })
            let means = ExpansionRun.Means(
                store: bench.store,
                inboxes: InboxDirectory(loop: bench.loop, store: bench.store), keys: keys,
                addresses: AddressBook(
                    guarding: AddressGuard(allowed: []), allowsPlainHTTP: false),
                ownHosts: ["our.example"], audienceRelation: relation,
                pausedSenders: pausedSenders, wall: EventLoop.wallTime,
                recordDropped: recordDropped)
            return try bench.answer { ExpansionRun(jobs, means: means, completion: $0).start() }
        }

        /// The rejections by place in the batch; what is not rejected was stored.
        private func rejections(
            _ result: Result<[ExpansionResult], StoreFailure>
        ) throws -> [Int: Rejection] {
            var found: [Int: Rejection] = [:]
            for (index, result) in try result.get().enumerated() {
                if case .refused(let rejection) = result { found[index] = rejection }
            }
            return found
        }

        private func storedActivities() throws -> Int {
            try bench.database.query("select count(*) from trunkline.activity")[0][0]
                .flatMap { Int($0) } ?? -1
        }

        @Test(arguments: [
            ("trunkline.folower", "42P01"), ("trunkline.host", "42703"), ("nonsense", "42602"),
        ])
        func `an audience that cannot be read is rejected alone, and says what to mend`(
            relation: String, sqlState: String
        ) throws {
            let result = try run(
                [
                    job(1, to("a.example")), job(2, .named("alice/followers")),
                    job(3, to("b.example")),
                ],
                relation: relation)
            let rejections = try rejections(result)
            #expect(rejections.keys.sorted() == [1])
            let rejection = try #require(rejections[1])
            #expect(rejection.code == "audience-unreadable")
            for word in [relation, sqlState, "alice/followers", "; ", "--audience-relation"] {
                #expect(rejection.reason.contains(word), "\(rejection.reason)")
            }
            #expect(try storedActivities() == 2)
        }

        @Test func `of many entries only those are rejected whose inboxes are refused`() throws {
            try bench.database.query(
                "alter table trunkline.inbox add constraint nice check (url !~ 'poison') not valid")
            let jobs = (0..<20).map { number in
                job(
                    UInt64(number),
                    to([7, 12].contains(number) ? "poison.example" : "h\(number).example"))
            }
            let rejections = try rejections(try run(jobs))
            #expect(rejections.keys.sorted() == [7, 12])
            #expect(rejections.values.allSatisfy { $0.reason.contains("23514") })
            #expect(try storedActivities() == 18)
        }

        @Test func `a dead host is passed over until it is to be tried, and that is on record`()
            throws
        {
            let audience = AudienceReference.recipients(
                ["dead", "due", "well"].map { Recipient(inbox: "https://\($0).example/inbox") })
            _ = try run([job(1, audience)])
            try bench.database.query(
                """
                update trunkline.host set state = 'dead', probe_due = now()
                    + case name when 'dead.example' then interval '1 hour' else interval '-1 s' end
                where name <> 'well.example'
                """)
            var counts: [Int] = []
            let alone = AudienceReference.recipients([
                Recipient(inbox: "https://dead.example/inbox")
            ])
            let results = try run([job(2, audience), job(3, alone)]) { counts.append($1) }
            #expect(counts == [1, 1])
            #expect(try rejections(results).isEmpty)
            let states = try bench.database.query(
                """
                select right(activity, 1), host, state from trunkline.delivery
                where activity <> 'https://our.example/notes/1' order by 1, 2
                """)
            #expect(
                states == [
                    ["2", "dead.example", "dropped"], ["2", "due.example", "waiting"],
                    ["2", "well.example", "waiting"], ["3", "dead.example", "dropped"],
                ])
        }

        /// Inboxes that the activity of this one entry is owed to.
        private func owed(
            _ result: Result<[ExpansionResult], StoreFailure>
        ) throws -> Set<String> {
            #expect(try rejections(result).isEmpty)
            let rows = try bench.database.query(
                """
                select i.url
                from (select max(id) as id from trunkline.activity) newest
                join trunkline.activity a on a.id = newest.id
                join trunkline.inbox i on i.id = any (a.audience)
                where not exists (
                    select from trunkline.failed f where f.activity = a.id and f.inbox = i.id)
                """)
            return Set(rows.compactMap { $0[0] })
        }

        private func markGone(_ url: String) throws {
            try bench.database.query(
                "update trunkline.inbox set gone_since = now(), strikes = 3 where url = '\(url)'")
        }

        private func failures() throws -> [String?] {
            try bench.database.query(
                """
                select i.url from trunkline.failed f join trunkline.inbox i on i.id = f.inbox
                order by 1
                """
            ).map { $0[0] }
        }

        @Test func `behind a shared inbox that is gone the personal ones are asked, on every page`()
            throws
        {
            let shared = "https://big.example/inbox"
            func followers(_ numbers: Range<Int>) -> AudienceReference {
                .recipients(
                    numbers.map {
                        Recipient(inbox: "https://big.example/u/\($0)", sharedInbox: shared)
                    })
            }
            #expect(try owed(run([job(1, followers(0..<3))])) == [shared])
            try markGone(shared)

            let count = ExpansionRun.pageSize + 3
            let urls = try owed(run([job(2, followers(0..<count))]))
            let expected = Set((0..<count).map { "https://big.example/u/\($0)" })
            #expect(urls.symmetricDifference(expected).sorted().prefix(3) == [])
            #expect(try failures() == [])
        }

        @Test func `an inbox that is gone and has no other beside it is recorded as failed`() throws
        {
            let gone = "https://big.example/inbox"
            func audience() -> AudienceReference {
                .recipients([
                    Recipient(inbox: gone),
                    Recipient(inbox: gone, sharedInbox: gone),
                    Recipient(inbox: "https://big.example/u/1", sharedInbox: gone),
                    Recipient(inbox: "https://small.example/u/1"),
                ])
            }
            #expect(try owed(run([job(1, audience())])) == [gone, "https://small.example/u/1"])
            try markGone(gone)
            #expect(
                try owed(run([job(2, audience())]))
                    == ["https://big.example/u/1", "https://small.example/u/1"])
            #expect(try failures() == [gone])
        }

        @Test func `where nobody is left, the activity is on record and waits for nothing`() throws
        {
            try bench.database.query(
                """
                insert into trunkline.follower (audience, inbox)
                values ('local', 'https://our.example/inbox')
                """)
            let gone = "https://big.example/inbox"
            #expect(try owed(run([job(1, to("big.example"))])) == [gone])
            try markGone(gone)
            let result = try run([
                job(2, .named("nobody")), job(3, .named("local")), job(4, to("our.example")),
                job(5, to("big.example")),
            ])
            // The key is missing here; still none of them is parked.
            for answer in try result.get() {
                guard case .stored(let stored) = answer else {
                    Issue.record("\(answer)")
                    continue
                }
                #expect(stored.routes.isEmpty)
            }
            #expect(try storedActivities() == 5)
            #expect(try failures() == [gone])
            let again = try run([job(2, .named("nobody"))])
            guard case .stored(let stored) = try again.get()[0] else {
                Issue.record("\(again)")
                return
            }
            #expect(stored.routes.isEmpty && stored.again)
            #expect(try storedActivities() == 5)
        }

        @Test func `what is for a paused sender is parked, and says so`() throws {
            let key = "https://our.example/users/a#main-key"
            let pem = try PrivateKey(generating: .ed25519).privatePEM()
            try bench.database.addKey(
                keyID: key, algorithm: "ed25519", pem: String(decoding: pem, as: UTF8.self))
            try bench.database.query(
                """
                insert into trunkline.control (kind, key_id, actor, reason)
                values ('pause', '\(key)', 'ann', 'stolen')
                """)
            let stored = try bench.answer { bench.store.loadControls(completion: $0) }.get()
            let paused = PausedSenders(stored)
            let answers = try run(
                [job(1, to("a.example")), job(2, .named("nobody"))], pausedSenders: paused
            ).get()
            guard case .parked = answers[0], case .stored = answers[1] else {
                Issue.record("\(answers)")
                return
            }
            let rows = try bench.database.query("select reason, key_id from trunkline.parked")
            #expect(rows == [["its sender is paused by ann: stolen", key]])
            // Known and parked still, whoever asks.
            let again = try run([job(1, to("a.example"))]).get()
            guard case .parked = again[0] else {
                Issue.record("\(again)")
                return
            }
        }

        @Test func `recipients of which none is an inbox are the producer's mistake`() throws {
            let bad = AudienceReference.recipients([Recipient(inbox: "ftp://a.example/inbox")])
            let rejections = try rejections(try run([job(1, bad), job(2, to("a.example"))]))
            #expect(rejections.mapValues(\.code) == [0: "no-usable-recipient"])
        }

        @Test func `a statement of our own that is refused blames no entry`() throws {
            try bench.database.query("alter table trunkline.inbox rename column strikes to hits")
            let result = try run([job(1, to("a.example"))])
            guard case .failure(.refused(let sqlState, _)) = result else {
                Issue.record("\(result)")
                return
            }
            #expect(sqlState == "42703")
        }

        @Test func `a PostgreSQL that is away rejects nothing`() throws {
            bench.store.close()
            let result = try run([job(1, .named("alice/followers")), job(2, to("a.example"))])
            guard case .failure(.away) = result else {
                Issue.record("\(result)")
                return
            }
        }
    }
}

import EventLoop
import HTTPSignatures
import PostgresStore
import SigningKeys
import Testing
import Transport

@testable import DeliveryCore
@testable import WorkerRuntime

extension WithPostgres {
    /// What is in hand while something untrusted is looked at: a crash is put down to it.
    @Suite struct InHandTests {
        private let bench: Bench
        private let key: KeyID

        init() throws {
            bench = try Bench()
            key = try KeyID("https://our.example/users/a#main-key")
        }

        /// Activities of 1, 2, ... on record.
        private func store(_ count: Int) throws -> [ActivityID] {
            let rows = try bench.database.query(
                """
                insert into trunkline.activity
                    (id, activity_id, type, body, digest, key_id, lane, ordering_key, audience)
                select trunkline.next_activity_id(), 'https://our.example/' || n, 'Create', '{}',
                    sha256('{}'), '\(key.text)', 1, 'o' || n, '{}'
                from generate_series(1, \(count)) n returning id
                """)
            return try rows.map { ActivityID(rawValue: try #require($0[0].flatMap { Int64($0) })) }
        }

        @Test
        func `each activity that is prepared is in hand by itself, one set aside has no body`()
            throws
        {
            let ids = try store(2)
            for worker in 1...3 {
                try bench.database.noteCrash(
                    of: .activity(ids[0]), stage: "sign", signal: "SIGSEGV",
                    by: Incarnation(rawValue: "w\(worker)"))
            }
            let keys = KeySource(
                directory: nil, store: bench.store, multiBuffer: nil, now: { EventLoop.now },
                onFlaw: { _ in },
                onFailure: { _ in })
            var (shelf, held, inHand) = ([ActivityID](), [ActivityID](), 0)
            let facts = try bench.answer { done in
                PreparationRun(
                    PreparationRequest(activities: ids), known: [], store: bench.store,
                    inboxes: bench.inboxes, keys: keys,
                    shelve: { id, _ in
                        #expect(inHand == 1)
                        shelf.append(id)
                    },
                    holding: { id, body in
                        held.append(id)
                        inHand += 1
                        body()
                        inHand -= 1
                    }, completion: done
                ).start()
            }.get()
            #expect(held.sorted() == ids && inHand == 0)
            #expect(shelf == [ids[1]])
            let why = try #require(facts.activities[ids[0]]?.quarantine)
            #expect(why.hasPrefix("3 workers crashed with it in hand, the last in stage sign"))
            #expect(facts.activities[ids[1]]?.quarantine == nil)
        }

        @Test func `of a batch to be signed each activity is in hand in its turn`() {
            var (shelf, composer, ring) = (ActivityShelf(), RequestComposer(), KeyRing())
            let ids = (1...3).map { ActivityID(rawValue: $0) }
            for id in ids {
                shelf[id] = LoadedActivity(
                    facts: PreparedFacts.Activity(
                        lane: .normal, stored: EventLoop.wallTime, expires: nil, size: 2),
                    body: RequestBody(Array("{}".utf8)), digest: SHA256.hash([]), key: key,
                    contentType: "application/activity+json")
            }
            let transmissions = ids.map {
                Transmission(
                    token: TransferToken(rawValue: UInt64($0.rawValue)), activity: $0,
                    url: "https://a.example/inbox", host: "a.example", profile: .draftCavage,
                    onFreshConnection: false)
            }
            var held: [ActivityID?] = []
            let composed = composer.compose(
                transmissions, from: shelf, with: &ring, now: EventLoop.now,
                wall: EventLoop.wallTime
            ) { held.append($0) }
            #expect(composed.count == 3)
            // Written; then those that multi-buffer RSA signs at once; then signed one by one, and
            // put together.
            #expect(held == ids + [nil] + ids + ids)
        }

        @Test func `of entries that are expanded together each is in hand by itself`() throws {
            let jobs = (1...3).map { number in
                ExpansionJob(
                    reference: IntakeReference(
                        lane: .bulk, id: StreamID(milliseconds: UInt64(number), sequence: 0)),
                    job: Job(
                        lane: .bulk, activity: Array("{}".utf8),
                        activityID: "https://our.example/\(number)", type: "Create",
                        actor: "https://our.example/users/a", key: key.text,
                        audience: .recipients([Recipient(inbox: "https://a.example/inbox")]),
                        idempotencyKey: "key:\(number)", orderingKey: "o\(number)"))
            }
            let keys = KeySource(
                directory: nil, store: bench.store, multiBuffer: nil, now: { EventLoop.now },
                onFlaw: { _ in },
                onFailure: { _ in })
            var means = ExpansionRun.Means(
                store: bench.store, inboxes: bench.inboxes, keys: keys,
                addresses: AddressBook(
                    guarding: AddressGuard(allowed: []), allowsPlainHTTP: false),
                ownHosts: ["our.example"], audienceRelation: "trunkline.follower",
                wall: EventLoop.wallTime)
            var (held, inHand) = ([IntakeReference](), 0)
            means.holding = { reference, body in
                held.append(reference)
                inHand += 1
                body()
                #expect(inHand == 1)
                inHand -= 1
            }
            let results = try bench.answer {
                ExpansionRun(jobs, means: means, completion: $0).start()
            }.get()
            #expect(results.count == 3 && Set(held) == Set(jobs.map(\.reference)))
        }
    }
}

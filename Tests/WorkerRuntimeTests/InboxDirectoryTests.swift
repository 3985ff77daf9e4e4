import DeliveryCore
import EventLoop
import Testing
import Transport

@testable import PostgresStore
@testable import WorkerRuntime

extension WithPostgres {
    /// What PostgreSQL has told is used again, as long as nothing bad may have come to it.
    @Suite struct InboxDirectoryTests {
        private let bench: Bench
        private let addresses = ["a", "b", "c"].map {
            InboxAddress(
                url: "https://\($0).example/inbox", host: "\($0).example", isShared: false)
        }

        init() throws { bench = try Bench() }

        private func resolve(_ addresses: [InboxAddress]) throws -> [InboxRow] {
            try bench.answer { bench.inboxes.resolve(addresses, completion: $0) }.get()
        }

        private func load(_ ids: [InboxID]) throws -> [InboxRow] {
            try bench.answer { bench.inboxes.load(ids, completion: $0) }.get()
        }

        /// As somebody else does it; what is read from memory does not show it.
        private func strike(_ id: InboxID) throws {
            try bench.database.query(
                "update trunkline.inbox set strikes = 1 where id = \(id.rawValue)")
        }

        @Test func `rows come in the order of the addresses, whoever knows them`() throws {
            let first = try resolve([addresses[1]])
            let all = try resolve(addresses)
            #expect(all.map(\.url) == addresses.map(\.url))
            #expect(all[1] == first[0])
            try strike(first[0].id)
            #expect(try resolve(addresses) == all)
            #expect(try load(all.map(\.id)).map(\.id).sorted() == all.map(\.id).sorted())
            #expect(try load([first[0].id])[0].hasStrikes == false)
        }

        @Test func `an inbox with strikes is asked for each time`() throws {
            let id = try resolve([addresses[0]])[0].id
            try strike(id)
            bench.inboxes.forgetAll()
            #expect(try load([id])[0].hasStrikes)
            try bench.database.query("update trunkline.inbox set strikes = 0")
            #expect(try load([id])[0].hasStrikes == false)
        }

        @Test(arguments: [true, false])
        func `what is written down of an inbox or its host is heard of`(ofInbox: Bool) throws {
            let row = try resolve([addresses[0]])[0]
            try strike(row.id)
            let host = try #require(row.host)
            bench.inboxes.doubt(ofInbox ? [row.id] : [], hosts: ofInbox ? [] : [host])
            #expect(try load([row.id])[0].hasStrikes)
            #expect(try resolve([addresses[0]])[0].hasStrikes)
        }

        @Test func `a host that fails is asked for each time`() throws {
            let row = try resolve([addresses[0]])[0]
            try bench.database.query(
                "update trunkline.host set state = 'dead', probe_due = now() + interval '1 day'")
            bench.inboxes.forgetAll()
            #expect(try resolve([addresses[0]])[0].isHostDead)
            try bench.database.query("update trunkline.host set state = 'closed', probe_due = null")
            #expect(try resolve([addresses[0]])[0] == row)
        }

        @Test func `an address that would change its row is stored`() throws {
            var address = addresses[0]
            #expect(try resolve([address])[0].isShared == false)
            address.isShared = true
            #expect(try resolve([address])[0].isShared)
            #expect(try bench.database.query("select shared from trunkline.inbox") == [["t"]])
        }

        @Test func `what was asked for before all was forgotten is asked for again`() throws {
            let rows = try resolve(addresses)
            bench.inboxes.forgetAll()
            _ = try resolve([addresses[0]])
            // The first of them is remembered while the others are under way; then it is worse.
            var answer: [InboxRow] = []
            bench.inboxes.resolve(addresses) { answer = (try? $0.get()) ?? [] }
            try strike(rows[0].id)
            bench.inboxes.forgetAll()
            bench.turn(until: "answered") { !answer.isEmpty }
            #expect(answer.map(\.hasStrikes) == [true, false, false])
            answer = []
            bench.inboxes.load(rows.map(\.id)) { answer = (try? $0.get()) ?? [] }
            #expect(answer.isEmpty, "answered before the call returned")
            bench.inboxes.forgetAll()
            bench.turn(until: "answered") { !answer.isEmpty }
            #expect(answer.count == 3)
        }

        @Test func `what is known is answered later, too`() throws {
            let rows = try resolve(addresses)
            var answers = 0
            bench.inboxes.resolve(addresses) { _ in answers += 1 }
            bench.inboxes.load(rows.map(\.id)) { _ in answers += 1 }
            #expect(answers == 0)
            bench.turn(until: "both are answered") { answers == 2 }
        }

        @Test func `an address that nothing can be sent to is no row of memory`() throws {
            _ = try resolve([addresses[0]])
            let unusable = InboxAddress(url: addresses[0].url, host: nil, isShared: false)
            try bench.database.query("update trunkline.inbox set strikes = 1")
            #expect(try resolve([unusable])[0].hasStrikes)
        }
    }
}

/// How long a row is fresh, and how many are.
@Suite struct FreshInboxTests {
    private let start = Instant(nanoseconds: 0)

    private func row(_ number: Int32) -> InboxRow {
        InboxRow(
            id: InboxID(rawValue: number), url: "https://h\(number).example/inbox",
            host: HostID(rawValue: number), hostName: "h\(number).example",
            partition: PartitionNumber(rawValue: 0), isShared: false, isGone: false,
            hasStrikes: false, isHostDead: false, hostCondition: HostCondition())
    }

    @Test func `a row stands for half a minute at most, and for half of it at least`() {
        for learnt in stride(from: 0, to: 40, by: 5) {
            var fresh = FreshInboxes(now: start)
            let began = start + .seconds(learnt)
            fresh.age(at: began)
            fresh.learn([row(1)], at: began)
            for age in 0..<60 {
                fresh.age(at: began + .seconds(age))
                let isKnown = fresh.row(InboxID(rawValue: 1)) != nil
                if age < 15 { #expect(isKnown, "\(age) s after \(learnt)") }
                if age >= 30 { #expect(!isKnown, "\(age) s after \(learnt)") }
            }
        }
    }

    @Test func `an idle worker's rows are not used when it is idle no more`() {
        var fresh = FreshInboxes(now: start)
        fresh.learn([row(1)], at: start)
        fresh.age(at: start + FreshInboxes.lifetime)
        #expect(fresh.row(InboxID(rawValue: 1)) == nil)
    }

    @Test func `many rows drop the oldest, never the newest`() {
        var fresh = FreshInboxes(now: start)
        let count = Int32(FreshInboxes.limit) * 3
        for number in 1...count { fresh.learn([row(number)], at: start) }
        #expect(fresh.count <= FreshInboxes.limit * 2)
        #expect(fresh.row(InboxID(rawValue: count)) != nil)
        #expect(fresh.row(InboxID(rawValue: 1)) == nil)
    }

    @Test(arguments: [14, 29])
    func `a doubt lasts as long as a row that did not know of it`(learnt: Int) {
        var fresh = FreshInboxes(now: start)
        fresh.age(at: start + .seconds(14))
        fresh.doubt([InboxID(rawValue: 1)], hosts: [HostID](), at: start + .seconds(14))
        // The answer to a question that was asked before.
        fresh.learn([row(1)], at: start + .seconds(learnt))
        for second in learnt..<44 {
            fresh.age(at: start + .seconds(second))
            #expect(fresh.row(InboxID(rawValue: 1)) == nil, "\(second) s")
        }
    }

    @Test func `a doubt outlives many rows`() {
        var fresh = FreshInboxes(now: start)
        fresh.doubt([InboxID](), hosts: [HostID(rawValue: 1)], at: start)
        for number in 2...Int32(FreshInboxes.limit * 2) { fresh.learn([row(number)], at: start) }
        fresh.learn([row(1)], at: start)
        #expect(fresh.row(InboxID(rawValue: 1)) == nil)
    }

    private static let flaws: [(String, @Sendable (inout InboxRow) -> Void)] = [
        ("no host", { $0.host = nil }), ("no partition", { $0.partition = nil }),
        ("gone", { $0.isGone = true }), ("strikes", { $0.hasStrikes = true }),
        ("dead", { $0.isHostDead = true }),
        ("suspended", { $0.hostCondition.suspendedUntil = WallTime(milliseconds: 1) }),
        ("failing", { $0.hostCondition.failingSince = WallTime(milliseconds: 1) }),
        ("probed", { $0.hostCondition.probeDue = WallTime(milliseconds: 1) }),
        ("cause", { $0.hostCondition.cause = "connect-failed" }),
        ("long", { $0.url += String(repeating: "a", count: FreshInboxes.longestURL) }),
    ]

    @Test func `of a row with any flaw nothing is kept`() {
        for (name, spoil) in Self.flaws {
            var flawed = row(1)
            spoil(&flawed)
            var fresh = FreshInboxes(now: start)
            fresh.learn([flawed, row(2)], at: start)
            #expect(fresh.row(flawed.id) == nil, "\(name)")
            #expect(fresh.row(InboxID(rawValue: 2)) != nil)
        }
    }
}

/// URLs are read once.
@Suite struct AddressBookTests {
    private let book = AddressBook(
        guarding: AddressGuard(allowed: []), allowsPlainHTTP: false)

    private func url(_ text: String) -> String? {
        guard case .success(let inbox) = book.address(text) else { return nil }
        return inbox.url
    }

    @Test func `an inbox that was read before is the same, however many there are`() {
        for round in 0..<2 {
            for number in 0..<40_000 {
                let text = "https://H\(number).example/inbox"
                #expect(url(text) == "https://h\(number).example/inbox", "round \(round)")
            }
        }
        #expect(url("http://h1.example/inbox") == nil)
    }

    @Test func `URLs that only look the same are two`() throws {
        let (one, two) = ("https://a.example/caf\u{E9}", "https://a.example/cafe\u{301}")
        #expect(one == two)
        let first = url(one).map { Array($0.utf8) }
        let second = url(two).map { Array($0.utf8) }
        #expect(first == nil || first != second)
    }
}

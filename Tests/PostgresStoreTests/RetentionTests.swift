import DeliveryCore
import PostgresStore
import Testing

/// Days past their retention go, and only those that owe nothing.
struct RetentionTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    /// An activity of so many days ago, to one inbox, in partitions of that day.
    private func store(_ name: String, daysAgo: Int, state: String?) throws -> ActivityID {
        let inbox = try #require(try fixture.inboxes(["\(name).example"]).first)
        let id = try fixture.stored(.sample(name, to: [inbox.id]))
        let day = "trunkline.day_of(now()) - \(daysAgo)"
        for parent in ["activity", "outcome", "attempt"] {
            try fixture.database.query(
                """
                do $$ declare day bigint := \(day); begin
                execute format('create table if not exists trunkline.%I partition of trunkline.%I
                    for values from (%s) to (%s)',
                    '\(parent)' || to_char(date '1970-01-01' + day::int, '"_"YYYY_MM_DD'),
                    '\(parent)', day << 40, (day + 1) << 40);
                end $$
                """)
        }
        let moved = try fixture.database.query(
            """
            update trunkline.activity set id = ((\(day)) << 40) | (id & 1099511627775)
            where id = $1 returning id
            """, [String(id.rawValue)])
        let old = try #require(moved[0][0].flatMap { Int64($0) })
        try fixture.database.query(
            """
            update trunkline.intake set activity = $2, at = now() - make_interval(days => $3::int)
            where activity = $1
            """, [String(id.rawValue), String(old), String(daysAgo)])
        if let state {
            try fixture.database.query(
                """
                insert into trunkline.outcome (activity, state, inbox_ids, epoch, worker, sequence)
                values ($1, $2, array[$3::int], 1, 'w', 1)
                """, [String(old), state, String(inbox.id.rawValue)])
        }
        return ActivityID(rawValue: old)
    }

    private func drop(keeping days: Int) throws -> Dropped {
        try fixture.answer { fixture.store.dropPartitions(retainingDays: days, completion: $0) }
    }

    @Test func `an old day that owes nothing goes, one that owes and a young one stay`() throws {
        let ended = try store("ended", daysAgo: 40, state: "delivered")
        let older = try store("older", daysAgo: 42, state: "delivered")
        let owing = try store("owing", daysAgo: 41, state: nil)
        let young = try store("young", daysAgo: 20, state: "delivered")

        let names = try fixture.database.query(
            "select to_char(current_date - ago, 'YYYY_MM_DD') from unnest(array[42, 40]) as ago")
        let dropped = try drop(keeping: 30)
        #expect(dropped.days == names.map { $0[0] })
        // All four are past the window of their idempotency keys.
        #expect(dropped.idempotencyKeys == 4)
        for (id, count) in [(ended, 0), (older, 0), (owing, 1), (young, 1)] {
            #expect(
                try fixture.number(
                    "select count(*) from trunkline.activity where id = $1", [String(id.rawValue)])
                    == count)
        }
        #expect(try drop(keeping: 30) == Dropped(days: [], idempotencyKeys: 0))
    }

    @Test func `while one day goes, no other is looked through`() throws {
        for ago in [40, 41] { _ = try store("\(ago)", daysAgo: ago, state: "delivered") }
        try fixture.database.query("begin")
        #expect(try fixture.number("select trunkline.drop_partitions(30)") == 1)
        let days =
            "select count(*) from pg_inherits where inhparent = 'trunkline.activity'::regclass"
        let left = try fixture.number(days)
        try fixture.database.query("commit")
        #expect(try drop(keeping: 30).days.count == 1)
        #expect(try fixture.number(days) == left - 1)
    }

    @Test func `a day that somebody reads stays until the next time, and expansion goes on`() throws
    {
        _ = try store("read", daysAgo: 40, state: "delivered")
        let reader = try Database(connectionString: fixture.connectionString)
        try reader.query("begin")
        try reader.query("select count(*) from trunkline.activity")
        var result: Result<Dropped, StoreFailure>?
        fixture.store.dropPartitions(retainingDays: 30) { result = $0 }
        // What comes behind it waits for no longer than it does.
        for number in 0..<100_000 where result == nil {
            _ = try fixture.stored(.sample("\(number)", to: []))
        }
        guard case .failure(.away) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        try reader.query("commit")
        #expect(try drop(keeping: 30).days.count == 1)
    }
}

import DeliveryCore
import PostgresStore
import Testing

/// What operators have decided, as workers read it.
struct ControlTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    @Test func `the controls of hosts that are in force are read, and no others`() throws {
        try fixture.database.query(
            """
            insert into trunkline.control (kind, host, lane, per_second, actor, until) values
                ('pause', null, null, null, 'me', null),
                ('limit', 'h1.example', null, 0.5, 'me', now() + interval '1 hour'),
                ('block', 'h2.example', null, null, 'me', now() - interval '1 hour'),
                ('pause', null, 'bulk', null, 'me', null)
            """)
        let read = try fixture.answer { fixture.store.loadControls(completion: $0) }
        #expect(read.map(\.kind).sorted() == ["limit", "pause"])
        let limit = try #require(read.first { $0.kind == "limit" })
        #expect(limit.host == "h1.example" && limit.perSecond == 0.5)
        #expect(limit.until != nil && read.first { $0.kind == "pause" }?.until == nil)
    }

    @Test func `a hint brings the next probe of those that are failing forward`() throws {
        try fixture.database.query(
            """
            insert into trunkline.host (name, partition, state, probe_due) values
                ('h1.example', 0, 'open', now() + interval '1 hour'),
                ('h2.example', 0, 'dead', now() + interval '1 day'),
                ('h3.example', 0, 'open', now() + interval '1 hour'),
                ('h4.example', 0, 'closed', null)
            """)
        try fixture.answer {
            fixture.store.hostsSeenAlive(
                ["h1.example", "h2.example", "h4.example"], completion: $0)
        }
        let due = try fixture.database.query(
            "select name from trunkline.host where probe_due <= now() order by name")
        #expect(due == [["h1.example"], ["h2.example"]])
    }
}

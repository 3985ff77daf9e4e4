import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Testing

/// `trunkline activity` and `trunkline host`: what PostgreSQL holds, in words and as JSON.
@Suite(.pool) struct ActivityTests {
    private static let activity = "https://our.example/notes/1#create"

    @Test func `the JSON has every key, and a row for each inbox`() throws {
        let tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        let json = try tenant.run("activity", Self.activity, "--json").json()
        #expect(Set(json.keys) == ["activity", "counts", "crashes", "stored", "deliveries"])
        #expect(json["crashes"] is NSNull)
        #expect(json["activity"] as? String == Self.activity)
        #expect(
            json["counts"] as? [String: Int] == [
                "waiting": 2, "delivered": 1, "failed": 1, "superseded": 0, "expired": 0,
                "dropped": 0,
            ])
        let stored = try #require(json["stored"] as? [[String: Any]])
        #expect(stored.count == 1)
        #expect(
            Set(stored[0].keys) == [
                "id", "type", "key_id", "audience", "lane", "created_at", "expires_at",
                "parked_reason",
                "counts",
            ])
        #expect(stored[0]["lane"] as? String == "normal")
        let deliveries = try #require(json["deliveries"] as? [[String: Any]])
        #expect(
            deliveries.allSatisfy {
                Set($0.keys) == [
                    "inbox", "host", "state", "attempts", "last_status", "last_error",
                    "updated_at", "waiting_for",
                ]
            })
        #expect(
            deliveries.map { $0["inbox"] as? String } == [
                "https://dead.example/inbox", "https://gone.example/inbox",
                "https://good.example/inbox", "https://new.example/inbox",
            ])
        #expect(
            deliveries.map { $0["state"] as? String } == [
                "waiting", "failed", "delivered", "waiting",
            ])
        #expect(deliveries.map { $0["attempts"] as? Int } == [1, 0, 1, 0])
        #expect(deliveries[1]["last_status"] as? Int == 410)
        #expect(deliveries[0]["last_error"] as? String == "connectTimeout: connect timeout")
        #expect(deliveries[2]["last_error"] is NSNull)
    }

    @Test func `a delivery that waits says what for`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        try Self.store(in: database)
        func reasons() throws -> [String?] {
            let json = try tenant.run("activity", Self.activity, "--json").json()
            let deliveries = try #require(json["deliveries"] as? [[String: Any]])
            return deliveries.map { $0["waiting_for"] as? String }
        }
        let noWorker = try reasons()
        #expect(noWorker[0]?.contains("trunkline run") == true)
        #expect(noWorker[1] == nil && noWorker[2] == nil)

        let redis = try tenant.redis()
        let now = try #require(redis.command(["TIME"]).array?.first?.text) + "000"
        try redis.command(["ZADD", redis.keys.workers, now, "machine.0.abc"])
        let working = try reasons()
        #expect(working[0]?.hasPrefix("dead.example is failing since 20") == true)
        #expect(working[0]?.contains("(connect timeout)") == true)
        #expect(working[3] == "it is in the queue and was not tried yet")

        try database.query(
            """
            insert into trunkline.control (kind, host, actor, reason, until) values
            ('pause', 'new.example', 'ann', 'they asked', now() + interval '1 hour'),
            ('pause', 'dead.example', 'bob', 'over', now() - interval '1 hour')
            """)
        let paused = try reasons()
        #expect(paused[0] == working[0])
        #expect(paused[3]?.hasPrefix("new.example is paused by ann until 20") == true)

        try database.query(
            """
            insert into trunkline.parked (activity, reason, key_id)
            select id, 'missing', key_id from trunkline.activity
            """)
        #expect(try reasons()[3]?.contains("trunkline keys add --key-id") == true)
    }

    @Test func `a paused lane, or sender, says by whom, since when, why, and what comes next`()
        throws
    {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        try Self.store(in: database)
        func reasons() throws -> [String] {
            let json = try tenant.run("activity", Self.activity, "--json").json()
            let deliveries = try #require(json["deliveries"] as? [[String: Any]])
            return deliveries.compactMap { $0["waiting_for"] as? String }
        }
        try database.query(
            """
            insert into trunkline.control (kind, lane, actor, reason, created_at)
            values ('pause', 'normal', 'ann', 'the disk is full', '2026-01-02 03:04:05Z')
            """)
        let lane =
            "lane normal is paused since 2026-01-02T03:04:05.000Z by ann: the disk is full; it goes "
            + "up to 15 minutes after `trunkline resume --lane normal`"
        #expect(try reasons() == [lane, lane])
        let host = try tenant.run("host", "good.example").output
        #expect(host.contains("control       lane normal is paused since 2026-01-02"))
        try database.query("delete from trunkline.control")

        let key = try #require(
            try database.query("select key_id from trunkline.activity limit 1")[0][0])
        try database.query(
            """
            insert into trunkline.parked (activity, reason, key_id)
            select id, '\(ParkedReason.pausedSender) by bob', key_id from trunkline.activity
            """)
        let resumed = "its sender was paused: it goes within a minute, if its key is there"
        #expect(try reasons() == [resumed, resumed])
        #expect(try tenant.run("doctor").output.contains("no activity waits for its key"))
        try database.query(
            """
            insert into trunkline.control (kind, key_id, actor, until)
            values ('pause', '\(key)', 'bob', now() + interval '1 hour')
            """)
        let sender = try reasons()
        #expect(sender.allSatisfy { $0.hasPrefix("sender \(key) is paused since 20") })
        #expect(
            sender.allSatisfy {
                $0.hasSuffix(
                    "; it goes when that is over, or up to 15 minutes after "
                        + "`trunkline resume --sender \(key)`")
            })
    }

    @Test func `an activity of a paused lane that still stands in the intake says so`() throws {
        let tenant = try Pool.required.tenant()
        _ = try tenant.redis().enqueue(.bulk, fields: [("activity", Array("{}".utf8))])
        #expect(try tenant.run("pause", "--lane", "bulk").code == 0)
        let queued = try tenant.run("activity", Self.activity)
        #expect(queued.errors.contains("lane bulk is paused since 20"))
        #expect(queued.errors.contains("`trunkline resume --lane bulk` ends it"))
    }

    @Test func `people see the trouble first`() throws {
        let tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        let text = try tenant.run("activity", Self.activity, "--limit", "3").output
        #expect(text.contains("state    2 waiting, 1 delivered, 1 failed"))
        let rows = text.split(separator: "\n").filter { $0.contains("/inbox") }
        #expect(rows.map { String($0.prefix { $0 != " " }) } == ["failed", "waiting", "waiting"])
        #expect(text.contains("... and 1 more"))
        let delivered = try tenant.run("activity", Self.activity, "--state", "delivered").output
        #expect(delivered.contains("good.example") && !delivered.contains("gone.example"))
    }

    @Test func `an activity for nobody says so, with the name of the audience`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        try Self.store(in: database)
        try database.query(
            """
            insert into trunkline.activity (id, activity_id, type, body, digest, key_id, lane,
                ordering_key, audience, audience_name)
            select trunkline.next_activity_id(), 'https://our.example/notes/2', type, body, digest,
                key_id, lane, ordering_key, '{}', 'a/folowers'
            from trunkline.activity
            """)
        let result = try tenant.run("activity", "https://our.example/notes/2")
        #expect(result.output.contains("state    nobody to deliver to: the audience a/folowers "))
    }

    @Test func `an unknown activity is a failure that says where it may be`() throws {
        let tenant = try Pool.required.tenant()
        let unknown = try tenant.run("activity", Self.activity, "--json")
        #expect(unknown.code == 1 && unknown.output.isEmpty)
        #expect(unknown.errors.contains("no activity with the id \(Self.activity) is stored"))
        #expect(unknown.errors.contains("nothing waits in the intake either"))

        let redis = try tenant.redis()
        _ = try redis.enqueue(.normal, fields: [("activity", Array("{}".utf8))])
        let queued = try tenant.run("activity", Self.activity)
        #expect(queued.errors.contains("among the 1 entries that still stand in the intake"))

        try redis.command([
            "XADD", redis.keys.rejected, "*", "reason", "it has no type", "field:activity",
            "{\"id\":\"\(Self.activity)\"}",
        ])
        let rejected = try tenant.run("activity", Self.activity)
        #expect(rejected.errors.contains("it was rejected, since it has no type"))
    }

    @Test func `the id of an object names the activities about it`() throws {
        let tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        let result = try tenant.run("activity", "o")
        #expect(result.code == 1)
        #expect(result.errors.contains("ask for one of these:\n  \(Self.activity) (Create)\n"))
    }

    @Test func `what is stored is shown without Redis`() throws {
        var tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        tenant.redisURL = "redis+unix:///tmp/nowhere.sock"
        let result = try tenant.run("activity", Self.activity, "--json")
        #expect(result.code == 0)
        #expect((try result.json()["deliveries"] as? [Any])?.count == 4)
    }

    @Test func `a remote server's words can't write lines of their own`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        try Self.store(in: database)
        try database.query(
            "update trunkline.failed set detail = E'\\x1b[31mok\\nstate    9 delivered'")
        let result = try tenant.run("activity", Self.activity)
        #expect(!result.output.contains("\u{1B}"))
        #expect(!result.output.contains("\nstate    9 delivered"))
        #expect(result.output.contains("\\nstate    9 delivered"))
    }

    @Test func `a host shows its state, what it is owed and its attempts`() throws {
        let tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        for name in ["dead.example", "DEAD.example", "https://dead.example/users/x"] {
            let json = try tenant.run("host", name, "--json").json()
            #expect(
                Set(json.keys) == [
                    "host", "state", "partition", "window", "failing_since", "suspended_until",
                    "next_probe_at", "last_error", "last_success_at", "updated_at", "owed",
                    "held", "controls", "attempts",
                ])
            #expect(json["host"] as? String == "dead.example")
            #expect(json["state"] as? String == "open")
            #expect(json["owed"] as? Int == 1)
            #expect(json["held"] as? Int == 0)
            let attempts = try #require(json["attempts"] as? [[String: Any]])
            #expect(attempts.map { $0["class"] as? String } == ["connectTimeout"])
        }
        let unknown = try tenant.run("host", "nobody.example")
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("nothing is known of the host nobody.example"))
        #expect(!unknown.errors.contains("known is"))
        let invalid = try tenant.run("host", "not a host")
        #expect(invalid.code == 2 && invalid.errors.contains("'not a host' is no host"))
    }

    @Test(arguments: [
        ("h.example", "known is h.example:28443, h.example:8443"),
        ("h.example:1", "known is h.example:28443, h.example:8443"),
        ("dead.example:8443", "known is dead.example"),
    ])
    func `a host that is known by another port is named`(name: String, sentence: String) throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        try Self.store(in: database)
        try database.query(
            """
            insert into trunkline.host (name, partition) values
            ('h.example:8443', 0), ('h.example:28443', 0), ('h.example.org', 0)
            """)
        let result = try tenant.run("host", name)
        #expect(result.code == 1)
        #expect(result.errors.contains(sentence + "\n"), "\(result.errors)")
    }

    @Test func `hosts are listed by state`() throws {
        let tenant = try Pool.required.tenant()
        try Self.store(in: tenant.database())
        func names(_ arguments: String...) throws -> Set<String> {
            let json = try Trunkline.run(["hosts", "--json"] + arguments + tenant.flags).json()
            let hosts = try #require(json["hosts"] as? [[String: Any]])
            return Set(hosts.compactMap { $0["host"] as? String })
        }
        #expect(try names("--state", "open") == ["dead.example"])
        #expect(try names("--state", "dead") == [])
        #expect(
            try names() == ["dead.example", "gone.example", "good.example", "new.example"])
        #expect(try names("--limit", "2").count == 2)
    }

    /// One activity for four inboxes: one delivered, one failed, one held back, one untried.
    private static func store(in database: Database) throws {
        try database.run(
            script: """
                insert into trunkline.host (name, partition, state, failing_since, last_error) values
                ('good.example', 0, 'closed', null, null), ('gone.example', 1, 'closed', null, null),
                ('dead.example', 2, 'open', now() - interval '1 day', 'connect timeout'),
                ('new.example', 3, 'closed', null, null);
                insert into trunkline.inbox (url, host)
                select 'https://' || name || '/inbox', id from trunkline.host;
                insert into trunkline.activity
                    (id, activity_id, type, body, digest, key_id, lane, ordering_key, audience)
                select trunkline.next_activity_id(), '\(activity)', 'Create', '{}', sha256('{}'),
                    'https://our.example/users/a#main-key', 1, 'o', array_agg(id order by id)
                from trunkline.inbox;
                insert into trunkline.outcome
                    (activity, state, inbox_ids, epoch, worker, sequence)
                select a.id, 'delivered', array[i.id], 1, 'w', 1
                from trunkline.activity a, trunkline.inbox i where i.url like '%good%';
                insert into trunkline.failed (activity, inbox, reason, status, detail)
                select a.id, i.id, 'gone', 410, 'Gone'
                from trunkline.activity a, trunkline.inbox i where i.url like '%gone%';
                insert into trunkline.attempt
                    (activity, inbox, at, number, class, duration_ms, detail)
                select a.id, i.id, now(), 1, 'connectTimeout', 5000, 'connect timeout'
                from trunkline.activity a, trunkline.inbox i where i.url like '%dead%';
                """)
    }
}

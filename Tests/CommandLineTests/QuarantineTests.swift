import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Testing

/// `trunkline quarantine`, and where else an operator sees what workers crashed with.
@Suite(.pool) struct QuarantineTests {
    private static let activity = "https://our.example/notes/1#create"
    private static let entry = IntakeReference(
        lane: .bulk, id: StreamID(milliseconds: 1_763_690_000_123, sequence: 7))

    /// An activity with one delivery.
    private static func store(in database: Database) throws -> ActivityID {
        try database.run(
            script: """
                insert into trunkline.host (name, partition) values ('good.example', 0);
                insert into trunkline.inbox (url, host)
                select 'https://good.example/inbox', id from trunkline.host;
                insert into trunkline.activity
                    (id, activity_id, type, body, digest, key_id, lane, ordering_key, audience)
                select trunkline.next_activity_id(), '\(activity)', 'Create', '{}', sha256('{}'),
                    'https://our.example/users/a#main-key', 1, 'o', array_agg(id)
                from trunkline.inbox;
                """)
        let row = try database.query("select id from trunkline.activity")[0]
        return ActivityID(rawValue: try #require(row[0].flatMap { Int64($0) }))
    }

    private static func crash(
        with item: WorkItem, times: Int, in database: Database
    ) throws {
        for _ in 0..<times {
            let worker = Incarnation(rawValue: "\(UInt64.random(in: 0 ... .max))")
            try database.noteCrash(of: item, stage: "sign", signal: "SIGSEGV", by: worker)
        }
    }

    @Test func `what is set aside is listed, in words and as JSON`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        #expect(try tenant.run("quarantine").output == "nothing is set aside\n")
        let id = try Self.store(in: database)
        try Self.crash(with: .entry(Self.entry), times: 3, in: database)
        try Self.crash(with: .activity(id), times: 2, in: database)
        #expect(try !tenant.run("quarantine", "list").output.contains(Self.activity))
        try Self.crash(with: .activity(id), times: 1, in: database)

        let text = try tenant.run("quarantine").output
        #expect(text.contains("3        sign   SIGSEGV  \(Self.activity)\n"), "\(text)")
        #expect(text.contains("3        sign   SIGSEGV  bulk entry 1763690000123-7\n"), "\(text)")
        let json = try tenant.run("quarantine", "list", "--json").json()
        let list = try #require(json["quarantined"] as? [[String: Any]])
        #expect(list.count == 2)
        for item in list {
            #expect(
                Set(item.keys) == [
                    "activity", "number", "lane", "entry", "crashes", "stage", "signal",
                    "first_at", "last_at", "quarantined_at",
                ])
        }
        #expect(list[0]["activity"] as? String == Self.activity)
        #expect(list[0]["number"] as? Int64 == id.rawValue)
        #expect(list[1]["lane"] as? String == "bulk")
        #expect(list[1]["entry"] as? String == "1763690000123-7")
    }

    @Test func `activity and doctor say it, and what to do`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        let id = try Self.store(in: database)
        func shown() throws -> String { try tenant.run("activity", Self.activity).output }
        #expect(try !shown().contains("crashes"))
        try Self.crash(with: .activity(id), times: 1, in: database)
        #expect(try shown().contains("crashes  1 of 3 with which it is set aside, the last at 20"))
        let calm = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(calm["quarantine"]?.grade == "ok")

        try Self.crash(with: .activity(id), times: 2, in: database)
        let text = try shown()
        #expect(text.contains("crashes  set aside since 20"))
        #expect(
            text.contains(
                ": 3 workers crashed with it in hand, the last in stage sign (SIGSEGV); "
                    + "`trunkline quarantine release \(Self.activity)` sends it"))
        let json = try tenant.run("activity", Self.activity, "--json").json()
        let crashes = try #require(json["crashes"] as? [String: Any])
        #expect(
            Set(crashes.keys) == [
                "crashes", "stage", "signal", "first_at", "last_at", "quarantined_at",
            ])
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(report["quarantine"]?.grade == "problem")
        #expect(
            report["quarantine"]?.message
                == "1 is set aside: \(Self.activity), since 3 workers crashed with it in hand, the "
                + "last in stage sign (SIGSEGV)")
    }

    @Test func `release makes it owed again, tells the workers and leaves a trace`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        let id = try Self.store(in: database)
        let missing = try tenant.run("quarantine", "release", Self.activity)
        #expect(missing.code == 1 && missing.errors.contains("`trunkline quarantine` lists"))
        try Self.crash(with: .activity(id), times: 3, in: database)
        try database.query(
            """
            insert into trunkline.failed (activity, inbox, reason, detail)
            select a.id, i.id, 'quarantined', 'x' from trunkline.activity a, trunkline.inbox i
            """)
        let redis = try tenant.redis()
        let epoch = try redis.command(["HGET", redis.keys.control, "epoch"]).text
        let released = try tenant.run("quarantine", "release", Self.activity)
        #expect(
            released.output
                == "released: 1 delivery that had failed for it is owed again\n")
        #expect(try redis.command(["HGET", redis.keys.control, "epoch"]).text != epoch)
        let audit = try database.query("select action, subject from trunkline.audit")
        #expect(audit == [["released from quarantine", Self.activity]])
        let json = try tenant.run("activity", Self.activity, "--json").json()
        let deliveries = try #require(json["deliveries"] as? [[String: Any]])
        #expect(deliveries[0]["state"] as? String == "waiting")
        #expect(
            deliveries[0]["waiting_for"] as? String
                == "\(ParkedReason.released): it goes within a minute, if its key is there")
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(report["parked"]?.grade == "ok" && report["quarantine"]?.grade == "ok")
        #expect(try tenant.run("quarantine", "release", Self.activity).code == 1)
    }

    @Test func `release takes an id, or all`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        #expect(try tenant.run("quarantine", "release").code == 2)
        #expect(try tenant.run("quarantine", "release", "--all", Self.activity).code == 2)
        try Self.crash(with: .activity(try Self.store(in: database)), times: 3, in: database)
        #expect(
            try tenant.run("quarantine", "release", "--all").output == "released: 1 activity\n")
        #expect(try tenant.run("quarantine").output == "nothing is set aside\n")
    }
}

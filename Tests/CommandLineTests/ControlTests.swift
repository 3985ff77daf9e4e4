import Foundation
import PostgresStore
import RedisQueue
import Testing

/// `pause`, `block`, `limit`, `resume`, `probe`: what they store, tell and refuse.
@Suite(.pool) struct ControlTests {
    @Test func `what is begun is shown with its reason, and ended by its host`() throws {
        let tenant = try Pool.required.tenant()
        try tenant.database().query(
            "insert into trunkline.host (name, partition) values ('h1.example:8443', 0)")
        let paused = try tenant.run(
            "pause", "https://H1.example:8443/inbox", "--for", "2h", "--reason", "they asked")
        #expect(paused.code == 0, "\(paused.errors)")
        #expect(paused.output.hasPrefix("h1.example:8443 is paused by "))
        #expect(paused.output.contains("until 20") && paused.output.contains("they asked"))
        let limited = try tenant.run("limit", "h1.example:8443", "--per-second", "0.5")
        #expect(limited.output.contains("limited to 0.5 requests a second"))

        let shown = try tenant.run("host", "h1.example:8443", "--json").json()
        let controls = try #require(shown["controls"] as? [[String: Any]])
        #expect(controls.compactMap { $0["kind"] as? String } == ["pause", "limit"])
        #expect(controls.last?["per_second"] as? Double == 0.5)
        #expect(
            try tenant.redis().command(["HGET", "\(tenant.keyPrefix)control", "epoch"]).text == "2")

        let resumed = try tenant.run("resume", "h1.example:8443")
        #expect(resumed.output.split(separator: "\n").count == 2)
        let again = try tenant.run("resume", "h1.example:8443")
        #expect(again.code == 1 && again.errors.contains("nothing is in force"))
        let audit = try tenant.database().query(
            "select action from trunkline.audit order by id")
        #expect(audit.map { $0[0] } == ["pause", "limit", "resume"])
    }

    @Test func `a control takes the place of its like, and one for all stands by itself`() throws {
        let tenant = try Pool.required.tenant()
        for rate in ["5", "7"] {
            #expect(try tenant.run("limit", "h1.example", "--per-second", rate).code == 0)
        }
        let everything = try tenant.run("pause", "--all")
        #expect(everything.output.hasPrefix("everything is paused"))
        let rows = try tenant.database().query(
            "select kind, host, per_second::text from trunkline.control order by id")
        #expect(rows == [["limit", "h1.example", "7"], ["pause", nil, nil]])
        #expect(try tenant.run("resume", "--all").code == 0)
        #expect(try tenant.database().query("select kind from trunkline.control").count == 1)
    }

    @Test func `lanes and senders are paused, listed and resumed`() throws {
        let tenant = try Pool.required.tenant()
        let key = "https://our.example/users/a#main-key"
        #expect(try tenant.run("controls").output == "nothing is paused, blocked or limited\n")
        let lanes = try tenant.run(
            "pause", "--lane", "bulk", "--lane", "normal", "--reason", "the disk is full")
        #expect(lanes.code == 0, "\(lanes.errors)")
        let lines = lanes.output.split(separator: "\n")
        #expect(lines.map { $0.hasSuffix(": the disk is full") } == [true, true])
        #expect(lines.first?.hasPrefix("lane bulk is paused since 20") == true)
        // One of a kind takes the place of the other.
        #expect(try tenant.run("pause", "--lane", "bulk", "--for", "2h").code == 0)
        let sender = try tenant.run("pause", "--sender", key, "--for", "2h")
        #expect(sender.output.hasPrefix("sender \(key) is paused since 20"))
        #expect(sender.output.contains(" until 20"))
        let epoch = try tenant.redis().command(["HGET", "\(tenant.keyPrefix)control", "epoch"])
        #expect(epoch.text == "3", "workers are told")

        let listed = try tenant.run("controls").output.split(separator: "\n")
        #expect(listed.count == 3)
        #expect(listed.last?.hasSuffix("; `trunkline resume --sender \(key)` ends it") == true)
        let json = try tenant.run("controls", "--json").json()
        let controls = try #require(json["controls"] as? [[String: Any]])
        #expect(controls.map { $0["lane"] as? String } == ["normal", "bulk", nil])
        #expect(controls.map { $0["key_id"] as? String } == [nil, nil, key])
        #expect(controls.allSatisfy { $0["host"] is NSNull && $0["since"] is String })

        #expect(try tenant.run("resume", "--all").code == 1, "none is a pause of all hosts")
        #expect(try tenant.run("resume", "--lane", "bulk", "--lane", "normal").code == 0)
        #expect(try tenant.run("resume", "--sender", key).output.hasPrefix("ended: sender \(key)"))
        let again = try tenant.run("resume", "--sender", key)
        #expect(again.code == 1 && again.errors.contains("nothing is in force for sender \(key)"))
        let audit = try tenant.database().query("select subject from trunkline.audit order by id")
        #expect(audit.first == ["lane bulk"] && audit.last == ["sender \(key)"])
    }

    @Test(arguments: [
        (["pause"], "Name the hosts, or give --all"),
        (["pause", "h1.example", "--all"], "not both"),
        (["pause", "h1.example", "--lane", "bulk"], "not both"),
        (["pause", "--lane", "slow"], "'urgent', 'normal', 'bulk' or 'backfill'"),
        (["pause", "--sender", "alice"], "is not an https URL"),
        (["resume", "--lane", "bulk", "--all"], "not both"),
        (["limit", "--lane", "bulk", "--per-second", "5"], "--lane"),
        (["block"], "Name the hosts"),
        (["block", "no host"], "'no host' is no host"),
        (["limit", "h1.example"], "--per-second"),
        (["limit", "h1.example", "--per-second", "0"], "trunkline pause"),
        (["pause", "h1.example", "--for", "soon"], "--for"),
        (["pause", "h1.example", "--for", "36501d"], "more than 100 years ahead"),
        (["pause", "h1.example", "--for", "1900000000000"], "since 1970, not milliseconds"),
        (["probe"], "Name the hosts"),
    ])
    func `what can't be meant is refused with the mend`(
        arguments: [String], sentence: String
    ) throws {
        let result = try Trunkline.run(arguments)
        #expect(result.code == 2 && result.output.isEmpty)
        #expect(result.errors.contains(sentence), "\(result.errors)")
    }

    @Test func `probe leaves the hint that a main server may leave`() throws {
        let tenant = try Pool.required.tenant()
        #expect(try tenant.run("probe", "H1.example", "h2.example").code == 0)
        let entries = try tenant.redis().command(["XRANGE", "\(tenant.keyPrefix)alive", "-", "+"])
        let fields = (entries.array ?? []).map { $0.array?.last?.array?.compactMap(\.text) }
        #expect(fields == [["host", "h1.example"], ["host", "h2.example"]])
    }
}

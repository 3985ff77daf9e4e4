import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Sink

/// The server as a whole: its certificate, its control resources, its life.
@Suite struct ServerTests {
    @Test func `one certificate serves every name under fedi.localhost and no other`() async throws
    {
        try await Harness.run(verifies: false, addresses: ["127.0.0.1", "::1"]) { sink in
            for host in ["h1", "h17", "any-name"] {
                #expect(try await sink.post(sink.url(host)).status == 202)
            }
            let port = sink.ports.https
            let overSix = try await sink.post(
                sink.url("h6"), more: ["--resolve", "h6.fedi.localhost:\(port):[::1]"])
            #expect(overSix.status == 202)
            for name in ["a.b.fedi.localhost", "other.localhost"] {
                let answer = try await sink.post("https://\(name):\(port)/inbox")
                #expect(answer.exit == 60, "\(name): \(answer.errors)")
            }
        }
    }

    @Test func `the certificate is used again while it is good`() throws {
        let directory = try Harness.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func authority() throws -> Data {
            let files = try CertificateFiles(stateDirectory: directory)
            return try Data(contentsOf: URL(filePath: files.authority))
        }
        let first = try authority()
        #expect(try authority() == first)

        let mode =
            try FileManager.default.attributesOfItem(
                atPath: "\(directory)/server-key.pem")[.posixPermissions] as? Int
        #expect(mode == 0o600)

        try FileManager.default.removeItem(atPath: "\(directory)/server-key.pem")
        let second = try authority()
        #expect(second != first, "a key that is lost needs a new certificate")
        try Data("no PEM".utf8).write(to: URL(filePath: "\(directory)/server.pem"))
        #expect(try authority() != second)
    }

    @Test func `the report agrees with the pairs`() async throws {
        let rules = #"{"rules": [{"host": "h3.*", "times": 2, "status": 503}]}"#
        try await Harness.run(rules: rules, verifies: false) { sink in
            for _ in 1...2 {
                for host in ["h1", "h2", "h3"] {
                    for id in ["1", "2"] {
                        let body = Harness.activity(id, object: id)
                        _ = try await sink.post(sink.url(host), body: body)
                    }
                }
            }
            _ = try await sink.post(sink.url(), body: "no JSON")
            let deletion = Harness.activity("3", type: "Delete", object: "late")
            _ = try await sink.post(sink.url(), body: deletion)
            _ = try await sink.post(sink.url(), body: Harness.activity("4", object: "late"))

            let answer = try await sink.control("GET", "report")
            let report = try JSONDecoder().decode(SinkReport.self, from: Data(answer.body))
            let pairs = try await sink.pairs()
            #expect(report.requests == 15)
            #expect(report.withoutID == 1)
            #expect(report.requests - report.withoutID == pairs.reduce(0) { $0 + $1.requests })
            #expect(report.accepted - 1 == pairs.reduce(0) { $0 + $1.accepted })
            #expect(report.duplicates == pairs.reduce(0) { $0 + max(0, $1.accepted - 1) })
            #expect(report.duplicates == 4)
            #expect(report.refused == ["503": 2])
            #expect(report.pairs == pairs.count)
            #expect(report.activities == Set(pairs.map(\.activity)).count)
            #expect(report.inboxes == Set(pairs.map(\.inbox)).count)
            #expect(report.hosts == 3)
            #expect(report.orderViolations == 1)

            let some = try await sink.pairs("?activity=https%3A%2F%2Fsocial.example%2F1")
            #expect(Set(some.map(\.inbox)) == Set(["h1", "h2", "h3"].map { sink.url($0) }))
            #expect(try await sink.pairs("?activity=unknown").isEmpty)
        }
    }

    @Test func `a reset empties the ledger and starts the rules again`() async throws {
        let rules = #"{"rules": [{"times": 1, "status": 500}]}"#
        try await Harness.run(rules: rules, verifies: false) { sink in
            let body = Harness.activity("1")
            let first = try await sink.post(sink.url(), body: body)
            #expect(first.status == 500)
            #expect(try await sink.post(sink.url(), body: body).status == 202)
            #expect(try await sink.control("POST", "reset").status == 200)
            let report = await sink.server.report
            #expect(report.requests == 0 && report.pairs == 0)
            #expect(try await sink.post(sink.url(), body: body).status == 500)
        }
    }

    @Test func `control is for loopback's names on the plain port only`() async throws {
        try await Harness.run(verifies: false) { sink in
            #expect(try await sink.control("GET", "healthz").text == "ok\n")
            let other = try await sink.curl([sink.url("h1", "/.sink/report", scheme: "http")])
            #expect(other.status == 405)
            let secure = try await sink.curl(["https://localhost:\(sink.ports.https)/.sink/report"])
            #expect(secure.status == 405)
            #expect(try await sink.control("GET", "nothing").status == 404)
        }
    }

    @Test func `connections are kept and counted`() async throws {
        try await Harness.run(verifies: false) { sink in
            let urls = Array(repeating: sink.url(), count: 50)
            _ = try await sink.curl(["-d", "{}"] + urls)
            let report = await sink.server.report
            #expect(report.accepted == 50)
            #expect(report.tls.total == 1)
            try await until("it is closed") { await sink.server.report.tls.open == 0 }
        }
    }

    @Test func `requests sent before their answers are answered one after the other`() async throws
    {
        // The third begins within the end of the second, and is not done by then.
        let slow = #"{"path": "/2", "status": 500, "delay": 50}, {"path": "/3", "delay": 20}"#
        let rules = #"{"rules": [\#(slow)]}"#
        try await Harness.run(rules: rules, verifies: false) { sink in
            let connection = RawConnection(port: sink.ports.http)
            let requests = (1...4).map { number in
                let body = Harness.activity("\(number)")
                return "POST /\(number) HTTP/1.1\r\nHost: h1.fedi.localhost\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            connection.send(requests.joined())
            func statuses(_ text: String) -> [Substring] {
                text.split(separator: "\r\n").filter { $0.hasPrefix("HTTP/1.1 ") }
                    .map { $0.dropFirst(9).prefix(3) }
            }
            let answers = connection.receive { statuses($0).count == 4 }
            #expect(statuses(answers) == ["202", "500", "202", "202"])
            let report = await sink.server.report
            #expect(report.accepted == 3 && report.pairs == 4 && report.unanswered.isEmpty)
        }
    }

    @Test func `what is no HTTP is counted and turned away`() async throws {
        try await Harness.run(verifies: false) { sink in
            let answer = try await sink.post(sink.url(scheme: "http"), headers: ["Bad Name: x"])
            #expect(answer.status == 400)
            let report = await sink.server.report
            #expect(report.malformed == 1 && report.requests == 0)
        }
    }

    @Test func `a port that is taken is one clear error`() async throws {
        try await Harness.run { sink in
            let second = try SinkServer(
                SinkConfiguration(
                    stateDirectory: "\(sink.directory)/state", httpsPort: sink.ports.https))
            let error = await #expect(throws: SinkError.self) { _ = try await second.start() }
            #expect(
                error?.description
                    == "https port \(sink.ports.https) at 127.0.0.1 is taken by another program: "
                    + "choose another with --https-port, or 0 for any free one")
        }
    }

    @Test(arguments: [
        ("nosuch.invalid", "the address nosuch.invalid is not found: give a numeric one"),
        ("192.0.2.1", "this machine has no address 192.0.2.1: correct --address"),
    ])
    func `an address that is not ours is told in words`(
        address: String, sentence: String
    ) async throws {
        let directory = try Harness.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = try SinkServer(
            SinkConfiguration(stateDirectory: "\(directory)/state", addresses: [address]))
        let error = await #expect(throws: SinkError.self) { _ = try await server.start() }
        #expect(error?.description.hasPrefix(sentence) == true, "\(String(describing: error))")
    }

    @Test func `rules and actors that are missing, or no rules, are refused at the start`() throws {
        let directory = try Harness.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let wrong = "\(directory)/wrong.json"
        try "{}".write(toFile: wrong, atomically: true, encoding: .utf8)
        func refusal(rules: String? = nil, actors: String? = nil) throws -> String {
            let error = try #require(throws: SinkError.self) {
                _ = try SinkServer(
                    SinkConfiguration(
                        stateDirectory: "\(directory)/state", rulesFile: rules,
                        actorsDirectory: actors))
            }
            return error.description
        }
        #expect(
            try refusal(rules: "\(directory)/none.json")
                == "the rules \(directory)/none.json cannot be read: correct --rules")
        #expect(try refusal(rules: wrong).hasPrefix("\(wrong): rules: "))
        let actors = try refusal(actors: "\(directory)/none")
        #expect(actors.contains("\(directory)/none cannot be read (No such file or directory)"))
        #expect(actors.contains("correct --actors"))
    }

    @Test func `it serves on several threads`() async throws {
        let directory = try Harness.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = try SinkServer(
            SinkConfiguration(stateDirectory: "\(directory)/state", threads: 2, verifies: false))
        let ports = try await server.start()
        let body = Harness.activity("1")
        let clients = try (0..<8).map { number in
            let url = "http://h\(number).fedi.localhost:\(ports.http)/inbox"
            return try Program(
                ["curl", "-sS", "-d", body] + Array(repeating: url, count: 50), in: directory)
        }
        for client in clients { #expect(await client.result().code == 0) }
        let report = await server.report
        await server.stop()
        #expect(report.accepted == 400 && report.pairs == 8 && report.duplicates == 392)
    }

    @Test func `a slow reader that closes gets all pairs`() async throws {
        try await Harness.run(verifies: false) { sink in
            let count = 40_000
            let body = Array(Harness.activity("1").utf8)
            let scan = try #require(body.withUnsafeBytes { ActivityScan($0) })
            sink.server.state.ledger.withLock { ledger in
                for number in 0..<count {
                    _ = ledger.requestCame(
                        scan, scheme: "https", authority: "h1.fedi.localhost",
                        target: "/users/\(number)/\(String(repeating: "x", count: 200))", at: 0)
                }
            }
            let answer = try await sink.curl([
                "-H", "Connection: close", "--limit-rate", "8M",
                "http://127.0.0.1:\(sink.ports.http)/.sink/pairs",
            ])
            #expect(answer.exit == 0, "\(answer.errors)")
            #expect(answer.text.split(separator: "\n").count == count)
        }
    }

    @Test func `SIGTERM ends it with a report while clients wait; SIGHUP reads the rules`()
        async throws
    {
        try await Harness.run(verifies: false) { other in
            let report = "\(other.directory)/report.json"
            let configuration = SinkConfiguration(
                stateDirectory: "\(other.directory)/state",
                rulesFile: "\(other.directory)/rules.json", verifies: false, reportFile: report)
            let (starts, start) = AsyncStream.makeStream(of: SinkPorts.self)
            let main = Task {
                defer { start.finish() }
                try await SinkMain.run(configuration) { start.yield($0) }
            }
            var sink = other
            sink.ports = try #require(await starts.first { _ in true })
            try sink.writeRules(#"{"rules": [{"host": "h2.*", "hang": true}]}"#)
            kill(getpid(), SIGHUP)
            try await until("the rule is there") {
                try await sink.control("GET", "report").text.contains("\"rules\" : 1")
            }
            #expect(try await sink.post(sink.url(), body: Harness.activity("1")).status == 202)
            let waiting = try sink.startPost(sink.url("h2"))
            try await until("a client waits") {
                try await sink.control("GET", "report").text.contains("\"hung\" : 1")
            }
            kill(getpid(), SIGTERM)
            try await main.value
            #expect(await waiting.result().code != 0)
            let written = try JSONDecoder().decode(
                SinkReport.self, from: Data(contentsOf: URL(filePath: report)))
            #expect(written.accepted == 1 && written.unanswered == ["hung": 1])
        }
    }
}

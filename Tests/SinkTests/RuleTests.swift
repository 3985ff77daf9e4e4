import Foundation
import TestSupport
import Testing

@testable import Sink

/// What hosts do as the rules say, seen through curl.
@Suite struct RuleTests {
    private func with(
        _ rules: String, _ test: (Harness) async throws -> Void
    ) async throws {
        try await Harness.run(rules: "{\"rules\": [\(rules)]}", verifies: false, test)
    }

    @Test func `the first rule that matches host and path wins`() async throws {
        try await with(
            """
            {"host": "h1*.fedi.localhost", "path": "/gone*", "status": 410},
            {"host": "h1*.fedi.localhost", "status": 503},
            {"host": "h2.fedi.localhost", "status": 400}
            """
        ) { sink in
            let expected = [
                ("h17", "/gone/1", 410), ("h17", "/inbox", 503), ("h1", "/inbox", 503),
                ("h2", "/gone", 400), ("h3", "/inbox", 202),
            ]
            for (host, path, status) in expected {
                let answer = try await sink.post(sink.url(host, path))
                #expect(answer.status == status, "\(host)\(path)")
            }
            let refused = await sink.server.report.refused
            #expect(refused == ["410": 1, "503": 2, "400": 1])
        }
    }

    @Test func `a delay passes before the answer, and not after`() async throws {
        try await with("{\"delay\": [300, 400]}") { sink in
            let started = ContinuousClock.now
            let answer = try await sink.post(sink.url())
            #expect(answer.status == 202)
            #expect(ContinuousClock.now - started >= .milliseconds(300))
        }
    }

    @Test func `a client that leaves a delayed answer is counted as having left`() async throws {
        try await with("{\"delay\": 60000}") { sink in
            let client = try sink.startPost(sink.url())
            try await until("the request is there") { await sink.server.report.requests == 1 }
            client.kill()
            try await until("the sink notices") {
                await sink.server.report.unanswered == ["abandoned": 1]
            }
            #expect(await sink.server.report.accepted == 0)
        }
    }

    @Test func `a host that hangs never answers`() async throws {
        try await with("{\"hang\": true}") { sink in
            let answer = try await sink.post(sink.url(), more: ["--max-time", "3"])
            #expect(answer.exit == 28)
            #expect(await sink.server.report.unanswered == ["hung": 1])
        }
    }

    @Test(arguments: ["https", "http"])
    func `a reset is an RST in place of the answer`(scheme: String) async throws {
        try await with("{\"reset\": true}") { sink in
            let answer = try await sink.post(sink.url(scheme: scheme))
            #expect(answer.exit == 56)
            #expect(answer.errors.contains("reset by peer"), "\(answer.errors)")
            #expect(await sink.server.report.unanswered == ["reset": 1])
        }
    }

    @Test(arguments: ["https", "http"])
    func `a close comes in place of the answer`(scheme: String) async throws {
        try await with("{\"close\": true}") { sink in
            let answer = try await sink.post(sink.url(scheme: scheme))
            #expect(answer.exit == 52, "\(answer.errors)")
            #expect(await sink.server.report.unanswered == ["closed": 1])
        }
    }

    @Test func `a refusal after the headers does not wait for the body`() async throws {
        try await with("{\"refuseAfterHeaders\": true, \"status\": 413}") { sink in
            // The client holds its body back until it is told to go on, which nobody does.
            let answer = try await sink.post(
                sink.url(), headers: ["Expect: 100-continue"],
                more: ["--expect100-timeout", "20"])
            #expect(answer.status == 413)
            #expect(answer.headers["connection"] == "close")
            #expect(await sink.server.report.refused == ["413": 1])
        }
    }

    @Test(arguments: [
        ("{\"status\": 429, \"retryAfter\": 17}", "17"),
        ("{\"status\": 503, \"retryAfter\": \"soon\"}", "soon"),
    ])
    func `Retry-After is sent as the rule has it`(rule: String, value: String) async throws {
        try await with(rule) { sink in
            let answer = try await sink.post(sink.url())
            #expect(answer.headers["retry-after"] == value)
        }
    }

    @Test func `Retry-After may be a date`() async throws {
        try await with("{\"status\": 503, \"retryAfterDate\": 3600}") { sink in
            let text = try await sink.post(sink.url()).headers["retry-after"] ?? ""
            let seconds = try #require(HTTPDate.seconds(in: text))
            let ahead = seconds - Int64(Date.now.timeIntervalSince1970)
            #expect((3_590...3_600).contains(ahead))
        }
    }

    @Test func `an answer may hold any bytes, and any headers`() async throws {
        let bytes: [UInt8] = [0x00, 0xff, 0xfe, 0x41]
        let body = Data(bytes).base64EncodedString()
        try await with(
            """
            {"status": 301, "bodyBase64": "\(body)", "headers": {"Location": "http://169.254.169.254/"}}
            """
        ) { sink in
            let answer = try await sink.post(sink.url())
            #expect(answer.status == 301)
            #expect(answer.body == bytes)
            #expect(answer.headers["location"] == "http://169.254.169.254/")
        }
    }

    @Test func `a body may be big, come byte by byte, or have no end`() async throws {
        try await with(
            """
            {"path": "/big", "bodySize": 20000000, "closeAfter": true},
            {"path": "/slow", "body": "abc", "drip": 20},
            {"path": "/headers", "fillerHeaders": 50},
            {"path": "/endless", "bodySize": "endless"}
            """
        ) { sink in
            let big = try await sink.post(sink.url("h1", "/big"))
            #expect(big.body.count == 20_000_000)
            #expect(big.headers["connection"] == "close")

            let started = ContinuousClock.now
            #expect(try await sink.post(sink.url("h1", "/slow")).text == "abc")
            #expect(ContinuousClock.now - started >= .milliseconds(60))

            let headers = try await sink.post(sink.url("h1", "/headers")).headers
            #expect(headers["x-filler-49"]?.count == 1_000)

            let endless = try await sink.post(
                sink.url("h1", "/endless"), more: ["--limit-rate", "10M", "--max-time", "3"])
            #expect(endless.exit == 28)
            #expect(endless.body.count > 1_000_000)
            // It still answers others, and is rid of the one that left.
            #expect(try await sink.post(sink.url("h2")).status == 202)
            try await until("no connection is left") { await sink.server.report.tls.open == 0 }
        }
    }

    @Test func `the first requests of each host get one rule, later ones the next`() async throws {
        try await with("{\"times\": 2, \"status\": 500}, {\"times\": 1, \"status\": 429}") { sink in
            for host in ["h1", "h2"] {
                var statuses: [Int] = []
                for _ in 1...4 {
                    statuses.append(try await sink.post(sink.url(host)).status)
                }
                #expect(statuses == [500, 500, 429, 202])
            }
        }
    }

    @Test func `more at once than a host allows are answered 429`() async throws {
        try await with(
            "{\"host\": \"h1.*\", \"hang\": true, \"maximumConcurrent\": 2}"
        ) { sink in
            let waiting = try (1...2).map { _ in try sink.startPost(sink.url()) }
            try await until("two are waiting") {
                await sink.server.report.unanswered == ["hung": 2]
            }
            #expect(try await sink.post(sink.url()).status == 429)
            #expect(try await sink.post(sink.url("h2")).status == 202)

            for client in waiting { client.kill() }
            try await until("they are gone") { await sink.server.report.tls.open == 0 }
            let again = try sink.startPost(sink.url())
            try await until("their places are free again") {
                await sink.server.report.unanswered == ["hung": 3]
            }
            again.kill()
        }
    }

    @Test func `more in a second than a host allows are answered 429`() async throws {
        try await with("{\"host\": \"h1.*\", \"requestsPerSecond\": 0.01}") { sink in
            let first = try await sink.post(sink.url())
            #expect(first.status == 202)
            let answer = try await sink.post(sink.url())
            #expect(answer.status == 429)
            let wait = try #require(answer.headers["retry-after"].flatMap { Int($0) })
            #expect((90...100).contains(wait))
            #expect(try await sink.post(sink.url("h2")).status == 202)
        }
    }

    @Test func `rules written while it runs come into force`() async throws {
        try await with("{\"status\": 500}") { sink in
            #expect(try await sink.post(sink.url()).status == 500)
            try sink.writeRules("{\"rules\": [{\"status\": 418}]}")
            try await until("the new rule answers") {
                try await sink.post(sink.url()).status == 418
            }
            // Bad rules change nothing; the next good ones do.
            try sink.writeRules("{\"rules\": [{\"stauts\": 500}]}")
            await sink.server.reloadRules()
            #expect(try await sink.post(sink.url()).status == 418)
            try FileManager.default.removeItem(atPath: "\(sink.directory)/rules.json")
            try await until("no rules are left") {
                try await sink.post(sink.url()).status == 202
            }
        }
    }

    @Test func `rules are taken over the plain port, bad ones are refused`() async throws {
        try await with("{\"status\": 500}") { sink in
            let bad = try await sink.control(
                "PUT", "rules", body: "{\"rules\": [{\"delay\": \"long\"}]}")
            #expect(bad.status == 400)
            #expect(bad.text.hasPrefix("rules: rules[0].delay: a number"), "\(bad.text)")
            #expect(try await sink.post(sink.url()).status == 500)

            let good = try await sink.control(
                "PUT", "rules", body: "{\"rules\": [{\"status\": 204}]}")
            #expect(good.status == 200)
            #expect(try await sink.post(sink.url()).status == 204)
        }
    }
}

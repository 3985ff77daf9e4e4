import Foundation
import TestSupport
import Testing

@testable import Sink

/// The sink over HTTP/2, seen through curl.
@Suite struct HTTP2Tests {
    private func post(
        _ sink: Harness, _ host: String = "h1", body: String = Harness.activity("1"),
        times: Int = 1, more: [String] = []
    ) async throws -> CurlAnswer {
        let urls = Array(repeating: sink.url(host), count: times)
        return try await sink.curl(
            ["--http2", "-d", body, "-w", "%{http_version} %{http_code} %{num_connects}\n"] + more
                + urls)
    }

    @Test func `requests share a connection, and are counted apart`() async throws {
        try await Harness.run(verifies: false) { sink in
            let answer = try await post(sink, times: 20)
            let lines = answer.text.split(separator: "\n")
            #expect(lines == ["2 202 1"] + Array(repeating: "2 202 0", count: 19))
            _ = try await sink.post(sink.url())
            try await until("both are closed") { await sink.server.report.tls.open == 0 }
            let report = await sink.server.report
            #expect(report.requests == 21 && report.accepted == 21)
            #expect(report.http2.requests == 20)
            #expect(report.http2.connections == .init(open: 0, total: 1))
            #expect(report.tls.total == 2)
            _ = try await sink.control("POST", "reset")
            #expect(await sink.server.report.http2.requests == 0)
        }
    }

    @Test func `signatures are verified over what the request was for`() async throws {
        try await Harness.run { sink in
            let body = Harness.activity("1")
            let request = SignedRequest(url: sink.url(), body: body)
            let headers = try await request.headers(signer: sink.alice)
            let answer = try await sink.post(
                sink.url(), body: body, headers: headers, more: ["--http2"])
            #expect(answer.status == 202, "\(answer.text)")
            let unsigned = try await post(sink)
            #expect(unsigned.text.hasSuffix("2 401 1\n"))
            #expect(await sink.server.report.http2.requests == 2)
        }
    }

    @Test func `without it clients get HTTP 1_1`() async throws {
        try await Harness.run(verifies: false, offersHTTP2: false) { sink in
            let answer = try await post(sink)
            #expect(answer.text == "1.1 202 1\n")
            #expect(await sink.server.report.http2.requests == 0)
        }
    }

    @Test func `rules hold for streams`() async throws {
        let rules = """
            {"rules": [{"host": "busy.*", "status": 503, "retryAfter": 7, "body": "later"},
            {"host": "slow.*", "delay": 300}, {"host": "big.*", "bodySize": 300000},
            {"host": "drip.*", "body": "abc", "drip": 20},
            {"host": "refuse.*", "refuseAfterHeaders": true},
            {"host": "hang.*", "hang": true}, {"host": "endless.*", "bodySize": "endless"}]}
            """
        try await Harness.run(rules: rules, verifies: false) { sink in
            let busy = try await post(sink, "busy")
            #expect(busy.status == 503 && busy.headers["retry-after"] == "7")
            let started = ContinuousClock.now
            #expect(try await post(sink, "slow").status == 202)
            #expect(ContinuousClock.now - started >= .milliseconds(300))
            #expect(try await post(sink, "big").body.count > 300_000)
            #expect(try await post(sink, "drip").text == "abc2 202 1\n")
            #expect(try await post(sink, "refuse").status == 403)
            #expect(try await post(sink, "hang", more: ["-m", "1"]).exit == 28)
            let endless = try await post(sink, "endless", more: ["-m", "1", "-o", "/dev/null"])
            #expect(endless.exit == 28 && endless.status == 202)
            try await until("the client has left") {
                await sink.server.report.http2.connections.open == 0
            }
            #expect(await sink.server.report.unanswered == ["hung": 1])
        }
    }

    @Test func `a reset ends the stream, a close the connection, the last answer says goodbye`()
        async throws
    {
        let rules = """
            {"rules": [{"host": "reset.*", "times": 1, "reset": true},
            {"host": "close.*", "times": 1, "close": true}, {"host": "last.*", "closeAfter": true}]}
            """
        try await Harness.run(rules: rules, verifies: false) { sink in
            let reset = try await post(sink, "reset", times: 2)
            #expect(reset.errors.contains("CANCEL"))
            #expect(reset.text.hasSuffix("2 202 0\n"), "\(reset.text)")
            let closed = try await post(sink, "close", times: 2)
            #expect(closed.text.hasSuffix("2 202 1\n"), "\(closed.text)")
            let last = try await post(sink, "last", times: 2)
            #expect(last.text == "2 202 1\n2 202 1\n")
            let report = await sink.server.report
            #expect(report.unanswered == ["reset": 1, "closed": 1])
            #expect(report.malformed == 0)
        }
    }

    @Test func `what is no HTTP 2 is counted, and ends the connection`() async throws {
        try await Harness.run(verifies: false) { sink in
            let words = ["openssl", "s_client", "-quiet", "-alpn", "h2", "-connect"]
            let client = try Program(
                [
                    "/bin/bash", "-c",
                    "echo no HTTP at all, for some twenty bytes | "
                        + "\(words.joined(separator: " ")) 127.0.0.1:\(sink.ports.https)",
                ],
                in: sink.directory)
            _ = await client.result()
            try await until("it is counted") { await sink.server.report.malformed == 1 }
            try await until("it is closed") { await sink.server.report.tls.open == 0 }
        }
    }

    @Test func `hanging up ends connections of both kinds`() async throws {
        let rules = #"{"rules": [{"hang": true}]}"#
        try await Harness.run(rules: rules, verifies: false) { sink in
            let clients = try ["--http1.1", "--http2"].map { version in
                try Program(
                    [
                        "curl", "-sS", version, "--cacert", sink.authority, "-m", "20", "-d", "{}",
                        sink.url(),
                    ],
                    in: sink.directory)
            }
            try await until("both wait") { await sink.server.report.unanswered == ["hung": 2] }
            #expect(try await sink.control("POST", "hang-up").status == 200)
            for client in clients { #expect(await client.result().code != 0) }
            try await until("both are closed") { await sink.server.report.tls.open == 0 }
        }
    }
}

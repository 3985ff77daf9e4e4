import Foundation
import TestSupport
import Testing

@testable import Sink

/// A sink on free ports with a directory of its own, a signing actor in it, and curl to speak to it.
struct Harness {
    let directory: String
    let server: SinkServer
    var ports: SinkPorts
    let alice: Signer

    /// Starts a sink, runs the test, stops the sink, whatever the test did.
    static func run(
        rules: String? = nil, verifies: Bool = true, offersHTTP2: Bool = true,
        addresses: [String] = ["127.0.0.1"],
        _ test: (Harness) async throws -> Void
    ) async throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let actors = "\(directory)/actors"
        try FileManager.default.createDirectory(
            atPath: actors, withIntermediateDirectories: true)
        let alice = try await Signer(
            keyID: "https://social.example/users/alice#main-key", in: directory, name: "alice")
        try alice.publish(in: actors)
        let rulesFile = "\(directory)/rules.json"
        try (rules ?? #"{"rules": []}"#).write(
            toFile: rulesFile, atomically: true, encoding: .utf8)

        let server = try SinkServer(
            SinkConfiguration(
                stateDirectory: "\(directory)/state", addresses: addresses,
                rulesFile: rulesFile,
                actorsDirectory: actors, verifies: verifies, offersHTTP2: offersHTTP2))
        let ports = try await server.start()
        let harness = Harness(directory: directory, server: server, ports: ports, alice: alice)
        do {
            try await test(harness)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    static func temporaryDirectory() throws -> String {
        let path = "/tmp/sink-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    var actors: String { "\(directory)/actors" }
    var authority: String { "\(directory)/state/ca.pem" }

    func writeRules(_ text: String) throws {
        try text.write(toFile: "\(directory)/rules.json", atomically: true, encoding: .utf8)
    }

    func url(_ host: String = "h1", _ path: String = "/inbox", scheme: String = "https") -> String {
        let port = scheme == "https" ? ports.https : ports.http
        return "\(scheme)://\(host).fedi.localhost:\(port)\(path)"
    }

    /// POSTs an activity signed by Alice (or as `change` makes it).
    func deliver(
        _ activity: String, to url: String,
        change: (inout SignedRequest) -> Void = { _ in }
    ) async throws -> CurlAnswer {
        var request = SignedRequest(url: url, body: activity)
        change(&request)
        let headers = try await request.headers(signer: alice)
        return try await post(url, body: request.sentBody, headers: headers)
    }

    func post(
        _ url: String, body: String? = "{}", headers: [String] = [], more: [String] = []
    ) async throws -> CurlAnswer {
        var arguments = ["-X", "POST"]
        if let body { arguments += ["--data-binary", body] }
        for header in headers { arguments += ["-H", header] }
        return try await curl(arguments + more + [url])
    }

    /// A POST that the test does not wait for.
    func startPost(_ url: String) throws -> Program {
        try Program(
            [
                "curl", "-sS", "--http1.1", "--cacert", authority, "--max-time", "60", "-d", "{}",
                url,
            ],
            in: directory)
    }

    /// curl with the sink's CA; names under `.localhost` are loopback to it. HTTP/1.1 unless the
    /// arguments say otherwise.
    func curl(_ arguments: [String]) async throws -> CurlAnswer {
        try await CurlAnswer.curl(
            ["--http1.1", "--cacert", authority, "--max-time", "30"] + arguments, in: directory)
    }

    func control(
        _ method: String, _ path: String, body: String? = nil
    ) async throws -> CurlAnswer {
        var arguments = ["-X", method]
        if let body { arguments += ["--data-binary", body] }
        return try await curl(arguments + ["http://127.0.0.1:\(ports.http)/.sink/\(path)"])
    }

    func pairs(_ query: String = "") async throws -> [PairLine] {
        let answer = try await control("GET", "pairs\(query)")
        return try answer.text.split(separator: "\n").map {
            try JSONDecoder().decode(PairLine.self, from: Data($0.utf8))
        }
    }

    /// An activity about an object; ids are short names under one host.
    static func activity(
        _ id: String, type: String = "Create", object: String = "note"
    ) -> String {
        let base = "https://social.example"
        return """
            {"@context":"https://www.w3.org/ns/activitystreams","id":"\(base)/\(id)",\
            "type":"\(type)","actor":"\(base)/users/alice",\
            "object":{"id":"\(base)/\(object)","type":"Note"}}
            """
    }
}

/// Waits until it holds; fails the test after ten seconds.
func until(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

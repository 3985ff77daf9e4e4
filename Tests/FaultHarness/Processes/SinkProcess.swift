import Foundation
import Supervision

/// One delivery as both sides name it.
package struct Pair: Hashable, CustomStringConvertible {
    package var activity: String
    package var inbox: String

    package init(activity: String, inbox: String) {
        self.activity = activity
        self.inbox = inbox
    }

    package var description: String { "\(activity) -> \(inbox)" }
}

/// `trunkline sink`: the pretend fediverse, and the witness of what came.
package final class SinkProcess: Sendable {
    package let httpsPort: Int
    let httpPort: Int
    package let certificateAuthority: String
    private let process: ChildProcess
    private let actors: String
    private let namespace: String?

    /// - Parameter twin: another sink that this one stands in for, in a network namespace with a
    ///   loopback of its own: it listens on the same port, with the same certificate and keys.
    package init(
        in scratch: Scratch, twin: SinkProcess? = nil, namespace: String? = nil
    ) throws {
        self.namespace = namespace
        let log = scratch.file("sink\(namespace ?? "").log")
        actors = try scratch.makeDirectory("actors")
        let state = scratch.file("sink")
        certificateAuthority = "\(state)/ca.pem"
        process = try ChildProcess(
            Program.command(
                Program.trunkline,
                ["sink", "--state-directory", state, "--actors", actors]
                    + (twin.map { ["--https-port", "\($0.httpsPort)"] } ?? []),
                in: namespace, output: .appended(to: log)))
        try Poll.until("the sink is ready: \(contents(of: log))", within: .seconds(20)) {
            contents(of: log).contains("http=")
        }
        let line = contents(of: log).split(separator: "\n").first { $0.contains("http=") } ?? ""
        let words = line.split(separator: " ")
        let port = { (name: String) in
            words.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) }
        }
        guard let https = port("https="), let http = port("http=") else {
            throw Program.Failure("the sink names no ports: \(line)")
        }
        httpsPort = https
        httpPort = http
    }

    package func inbox(_ host: String, _ path: String = "/inbox") -> String {
        "https://\(host).fedi.localhost:\(httpsPort)\(path)"
    }

    /// The host as Trunkline names it.
    package func authority(_ host: String) -> String { "\(host).fedi.localhost:\(httpsPort)" }

    package func publish(keyID: String, pem: String) throws {
        let data = try JSONEncoder().encode(["keyId": keyID, "publicKeyPem": pem])
        // Moved into place: the sink may be reading the directory.
        let unfinished = "\(actors)/\(UUID().uuidString)"
        try data.write(to: URL(filePath: unfinished))
        try FileManager.default.moveItem(atPath: unfinished, toPath: unfinished + ".json")
    }
}

// MARK: control

extension SinkProcess {
    /// The members of `/.sink/report` that tests look at.
    package struct Report: Decodable {
        package var requests: Int
        package var accepted: Int
        package var duplicates: Int
        package var orderViolations: Int
        package var refused: [String: Int]
        package var badSignatures: [String: Int]
    }

    /// A line of `/.sink/pairs`.
    package struct Line: Decodable {
        package var activity: String
        package var inbox: String
        package var accepted: Int
        /// Which of all acceptances its first was, from 1; 0: none.
        package var place: Int
        package var requests: Int

        package var pair: Pair { Pair(activity: activity, inbox: inbox) }
    }

    package func report() throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(control("GET", "report").utf8))
    }

    package func pairs() throws -> [Line] {
        let decoder = JSONDecoder()
        return try control("GET", "pairs").split(separator: "\n").map {
            try decoder.decode(Line.self, from: Data($0.utf8))
        }
    }

    /// The rules' members without their envelope; empty: every request is taken.
    package func follow(_ rules: String) throws {
        try control("PUT", "rules", body: "{\"rules\": [\(rules)]}")
    }

    @discardableResult
    func control(_ method: String, _ path: String, body: String? = nil) throws -> String {
        var arguments = ["-sS", "--fail-with-body", "--max-time", "20", "-X", method]
        if let body { arguments += ["--data-binary", body] }
        let curl = Program.command(
            "/usr/bin/curl", arguments + ["http://127.0.0.1:\(httpPort)/.sink/\(path)"],
            in: namespace)
        return try Program.run(curl.path, curl.arguments)
    }
}

import Foundation
import Supervision
import Testing

/// One delivery as both sides name it.
struct Pair: Hashable, CustomStringConvertible {
    var activity: String
    var inbox: String

    var description: String { "\(activity) -> \(inbox)" }
}

/// `trunkline sink`: the fediverse of a test, and its witness.
final class SinkProcess: Sendable {
    let httpsPort: Int
    let httpPort: Int
    let certificateAuthority: String
    private let process: ChildProcess
    private let actors: String

    init(in scratch: Scratch) throws {
        let log = scratch.file("sink.log")
        actors = try scratch.makeDirectory("actors")
        let state = scratch.file("sink")
        certificateAuthority = "\(state)/ca.pem"
        process = try ChildProcess(
            Command(
                path: Program.trunkline,
                arguments: ["sink", "--state-directory", state, "--actors", actors],
                output: .appended(to: log)))
        try Poll.until("the sink is ready: \(contents(of: log))", within: .seconds(20)) {
            contents(of: log).contains("http=")
        }
        let line = contents(of: log).split(separator: "\n").first { $0.contains("http=") } ?? ""
        let words = line.split(separator: " ")
        let port = { (name: String) in
            words.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) }
        }
        httpsPort = try #require(port("https="))
        httpPort = try #require(port("http="))
    }

    func inbox(_ host: String, _ path: String = "/inbox") -> String {
        "https://\(host).fedi.localhost:\(httpsPort)\(path)"
    }

    /// The host as Trunkline names it.
    func authority(_ host: String) -> String { "\(host).fedi.localhost:\(httpsPort)" }

    func publish(keyID: String, pem: String) throws {
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
    struct Report: Decodable {
        var requests: Int
        var accepted: Int
        var duplicates: Int
        var orderViolations: Int
        var refused: [String: Int]
        var badSignatures: [String: Int]
    }

    /// A line of `/.sink/pairs`.
    struct Line: Decodable {
        var activity: String
        var inbox: String
        var accepted: Int
        /// Which of all acceptances its first was, from 1; 0: none.
        var place: Int
        var requests: Int

        var pair: Pair { Pair(activity: activity, inbox: inbox) }
    }

    func report() throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(control("GET", "report").utf8))
    }

    func pairs() throws -> [Line] {
        let decoder = JSONDecoder()
        return try control("GET", "pairs").split(separator: "\n").map {
            try decoder.decode(Line.self, from: Data($0.utf8))
        }
    }

    /// The rules' members without their envelope; empty: every request is taken.
    func follow(_ rules: String) throws {
        try control("PUT", "rules", body: "{\"rules\": [\(rules)]}")
    }

    @discardableResult
    private func control(_ method: String, _ path: String, body: String? = nil) throws -> String {
        var arguments = ["-sS", "--fail-with-body", "--max-time", "20", "-X", method]
        if let body { arguments += ["--data-binary", body] }
        return try Program.run(
            "/usr/bin/curl", arguments + ["http://127.0.0.1:\(httpPort)/.sink/\(path)"])
    }
}

/// `trunkline run`, as its user starts it; killed with its last reference.

import Foundation
import Supervision
import Testing

struct RunningPool {
    private let child: ChildProcess
    private let log: String

    /// Returns once every worker delivers.
    init(_ flags: [String], log: String) throws {
        self.log = log
        child = try ChildProcess(
            Supervision.Command(
                path: Trunkline.path.path,
                arguments: [
                    "run", "--workers", "2", "--admin", "127.0.0.1:0", "--instance-domain",
                    "our.example",
                ] + flags,
                environment: ["PATH": "/usr/bin:/bin"], output: .appended(to: log)))
        let deadline = ContinuousClock.now + .seconds(120)
        while !text.contains("\nready\n"), child.isRunning,
            ContinuousClock.now < deadline
        {
            poll(nil, 0, 20)
        }
        try #require(text.contains("\nready\n"), "\(text)")
    }

    var isRunning: Bool { child.isRunning }

    /// What `--metrics` takes.
    var metrics: String {
        get throws {
            let port = try #require(text.firstMatch(of: /admin server listens port=(\d+)/)).1
            return "http://127.0.0.1:\(port)/metrics"
        }
    }

    /// Drains it.
    func stop() -> ProcessExit { child.terminate(grace: .seconds(120)) }

    private var text: String {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    }
}

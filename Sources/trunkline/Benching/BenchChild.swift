internal import Supervision

/// A command of this program that runs beside a benchmark, and what it says.
///
/// It is killed with its last reference, if nobody has stopped it.
struct BenchChild {
    /// From the start of one until it is ready: `initdb` on a busy machine takes a while.
    private static let patience: Duration = .seconds(180)

    private let process: ChildProcess
    private let command: String
    private let log: String

    init(
        _ command: String, _ flags: [String], in directory: BenchDirectory
    ) throws {
        self.command = command
        log = directory.file("\(command).log")
        process = try ChildProcess(
            Command(
                path: "/proc/self/exe", name: "trunkline", arguments: [command] + flags,
                environment: BenchFiles.environment, output: .appended(to: log)))
    }

    var processID: Int32 { process.pid }

    /// Waits for a line that `match` finds something in.
    func wait(
        _ interruption: Interruption, for match: (String) -> String?
    ) throws -> String {
        var found: String?
        let isThere = try interruption.wait(atMost: Self.patience) {
            found = lines.lazy.compactMap(match).first
            if found == nil { try checkRunning() }
            return found != nil
        }
        guard isThere, let found else {
            throw CommandFailure.failed("trunkline \(command) did not get ready:\n\(lastLines)")
        }
        return found
    }

    /// - Throws: when it has ended, with what it said last.
    func checkRunning() throws(CommandFailure) {
        guard !process.isRunning else { return }
        throw .failed("trunkline \(command) \(process.wait()):\n\(lastLines)")
    }

    func stop(grace: Duration) { process.terminate(grace: grace) }

    private var lastLines: String { lines.suffix(12).joined(separator: "\n") }

    private var lines: [String] {
        guard let bytes = try? FileInput.bytes(of: log, limit: 1 << 26) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

extension String {
    /// Of a line of words such as `port=8443`.
    func port(after name: String) -> Int? {
        split(separator: " ").first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) }
    }
}

/// What the embedded servers have in common: one child under one lock.
///
/// Not thread-safe: it belongs to whoever started it. Without `stop` the server is killed when the
/// last reference goes.

internal import Glibc

struct EmbeddedServer: ~Copyable {
    let name: String
    let directory: StateDirectory
    let log: ServiceLog
    private let lock: ServiceLock
    private(set) var process: ChildProcess?

    init(_ name: String, in directory: String) throws(EmbeddedServiceError) {
        let directory = try StateDirectory(directory)
        lock = try ServiceLock(name, in: directory)
        log = ServiceLog(name, in: directory)
        self.name = name
        self.directory = directory
    }

    /// Starts the server and waits until it is `ready`, asked every 10 ms.
    ///
    /// - Parameter limit: after this it is killed again, and the end of its log is thrown.
    mutating func start(
        _ command: Command, limit: Duration, ready: (ChildProcess) -> Bool
    ) throws(EmbeddedServiceError) {
        let process = try spawn(command)
        let deadline = ContinuousClock.now + limit
        while !ready(process) {
            let exit = process.wait(atMost: .milliseconds(10))
            guard exit == nil, .now < deadline else {
                let reason = exit.map { "it \($0)" } ?? "it was not ready within \(limit)"
                throw .didNotStart(name, reason: reason, log: log.end())
            }
        }
        self.process = process
    }

    /// Runs a program to its end; anything but code 0 is thrown with the end of the log.
    func run(_ command: Command, limit: Duration) throws(EmbeddedServiceError) {
        let process = try spawn(command)
        let exit = process.wait(atMost: limit)
        guard exit == .exited(0) else {
            let reason = exit.map { "\(command.path) \($0)" } ?? "\(command.path) took too long"
            throw .didNotStart(name, reason: reason, log: log.end())
        }
    }

    mutating func stop(signal: Int32, grace: Duration) {
        process?.terminate(signal: signal, grace: grace)
        process = nil
    }

    private func spawn(_ command: Command) throws(EmbeddedServiceError) -> ChildProcess {
        do {
            return try ChildProcess(command)
        } catch {
            throw .system(error)
        }
    }
}

internal import Glibc
internal import Synchronization

/// That somebody wants a run to end: looked at wherever it waits.
final class Interruption: Sendable {
    private let signals = Atomic(0)

    func set() { signals.add(1, ordering: .relaxed) }

    /// How often it was wanted: once more, and what is waited for even then is not, either.
    var count: Int { signals.load(ordering: .relaxed) }

    func check() throws(CommandFailure) {
        guard count == 0 else {
            throw .failed("interrupted: what was started is stopped and removed")
        }
    }

    /// Looks at `condition` until it holds.
    ///
    /// - Returns: false when the time was over first.
    func wait(
        atMost limit: Duration, looking every: Duration = .milliseconds(50),
        until condition: () throws -> Bool
    ) throws -> Bool {
        try Self.look(every, atMost: limit) {
            try check()
            return try condition()
        }
    }

    /// The same for what must be done even then.
    static func look(
        _ every: Duration, atMost limit: Duration, until condition: () throws -> Bool
    ) throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            if try condition() { return true }
            guard ContinuousClock.now < deadline else { return false }
            poll(nil, 0, Int32(every / .milliseconds(1)))
        }
    }
}

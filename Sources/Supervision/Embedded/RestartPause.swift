/// How long a server that has died waits for its next start.
///
/// Not at all at first. One that dies again at once, or does not start, waits twice as long each
/// time, so that a full disk or too little memory does not eat the machine.
package struct RestartPause: Equatable, Sendable {
    package static let shortest: Duration = .seconds(1)
    package static let longest: Duration = .seconds(30)
    package static let healthyAge: Duration = .seconds(60)

    /// Since the last healthy life.
    private var failures = 0

    package init() {}

    /// - Parameter age: how long it has lived; zero: it did not start.
    package mutating func next(after age: Duration) -> Duration {
        if age >= Self.healthyAge { failures = 0 }
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        // 1 s doubled five times is above the ceiling already.
        return min(Self.shortest * (1 << min(failures - 1, 5)), Self.longest)
    }
}

/// What operators have decided about a host. It stands beside what the worker learns of it by
/// itself: neither is forgotten for the other.
package struct HostControl: Equatable, Sendable {
    /// It gets nothing, no probe either; what is for it waits.
    package var isPaused: Bool
    /// It gets nothing, and what is for it is dropped.
    package var isBlocked: Bool
    /// The least time between two requests to it.
    package var interval: Duration?

    package init(isPaused: Bool = false, isBlocked: Bool = false, interval: Duration? = nil) {
        self.isPaused = isPaused
        self.isBlocked = isBlocked
        self.interval = interval
    }

    /// Both count; of two intervals the longer.
    package func joined(with other: HostControl) -> HostControl {
        HostControl(
            isPaused: isPaused || other.isPaused, isBlocked: isBlocked || other.isBlocked,
            interval: [interval, other.interval].compactMap { $0 }.max())
    }
}

internal import DeliveryCore
internal import Glibc

/// A beat to look at something that tells nothing by itself: a word in shared memory.
struct AsyncPulse: AsyncSequence, Sendable {
    let interval: Duration

    init(every interval: Duration) { self.interval = interval }

    struct Iterator: AsyncIteratorProtocol {
        let interval: Duration

        mutating func next() async -> Void? {
            try? await ContinuousClock().sleep(for: interval)
            return Task.isCancelled ? nil : ()
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(interval: interval) }
}

/// Time since boot, as workers write it into their slots.
enum BootClock {
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

import DeliveryCore
import Testing

@testable import DeliveryCore

/// How many at once.
@Suite struct WindowTests {
    let start = Instant(nanoseconds: 0)

    private func second(_ number: Int64) -> Instant { start + .seconds(number) }

    @Test func `it starts at four and grows by one a round, up to its limit`() {
        var window = Window(largest: 6)
        #expect(window.limit == 4)
        for _ in 0..<5 { window.succeeded(wasFull: true) }
        #expect(window.limit == 5)
        for _ in 0..<100 { window.succeeded(wasFull: true) }
        #expect(window.limit == 6)
        #expect(Window(largest: 2).limit == 2)
    }

    @Test func `what is not used does not grow`() {
        var window = Window(largest: 16)
        for _ in 0..<1_000 { window.succeeded(wasFull: false) }
        #expect(window.limit == 4)
    }

    @Test func `what was under way together shrinks it once, and never below one`() {
        var window = Window(largest: 16)
        for _ in 0..<4 { window.congested(sent: second(1), at: second(2)) }
        #expect(window.size == 4 * 0.7)
        for time in 3...20 { window.congested(sent: second(Int64(time)), at: second(Int64(time))) }
        #expect(window.limit == 1)
    }

    @Test func `after an outage it is one, and doubles with every round`() {
        var window = Window(largest: 16)
        window.restart()
        #expect(window.limit == 1)
        window.succeeded(wasFull: true)
        #expect(window.limit == 2)
        for _ in 0..<2 { window.succeeded(wasFull: true) }
        #expect(window.limit == 4)
        window.succeeded(wasFull: true)
        #expect(window.limit == 4, "from there on one a round")
    }

    /// A host that serves so many at a time and refuses the rest with 429.
    @Test(arguments: 1...12)
    func `a host that allows so many at once refuses fewer than one request in twenty`(
        allowed: Int
    ) {
        var window = Window(largest: 16)
        var (requests, refusals) = (0, 0)
        for round in 1...2_000 {
            let sent = second(Int64(round) * 2)
            let burst = window.limit
            for number in 1...burst {
                requests += 1
                if number > allowed {
                    refusals += 1
                    window.congested(sent: sent, at: sent + .seconds(1))
                } else {
                    window.succeeded(wasFull: true)
                }
            }
        }
        #expect(refusals * 20 < requests, "\(refusals) of \(requests)")
        #expect(window.limit >= max(allowed * 6 / 10, 1), "and it is not given too little")
    }
}

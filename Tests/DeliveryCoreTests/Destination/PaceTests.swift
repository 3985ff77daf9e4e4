import Testing

@testable import DeliveryCore

/// How often.
@Suite struct PaceTests {
    @Test func `without a refusal there is none`() {
        var pace = Pace()
        let now = Instant(nanoseconds: 0)
        pace.sent(at: now)
        pace.succeeded()
        #expect(pace.next == nil)
    }

    /// A host that takes so many requests a second, answers in 5 ms, and names a second's pause.
    @Test(arguments: [1, 3, 10, 50])
    func `a host that allows so many a second refuses fewer than one in twenty`(allowed: Int) {
        var pace = Pace()
        var now = Instant(nanoseconds: 0)
        var (requests, refusals, taken) = (0, 0, 0)
        var window = now
        while requests < 3_000 {
            now = max(now, pace.next ?? now)
            if now - window >= .seconds(1) { (window, taken) = (now, 0) }
            let sent = now
            pace.sent(at: sent)
            requests += 1
            now = now + .milliseconds(5)
            if taken < allowed {
                taken += 1
                pace.succeeded()
            } else {
                refusals += 1
                pace.refused(sent: sent, at: now, pause: .seconds(1))
                now = now + .seconds(1)
            }
        }
        #expect(refusals * 20 < requests, "\(refusals) of \(requests)")
        let rate = Double(requests - refusals) * 1e9 / Double(now.nanoseconds)
        #expect(rate > Double(allowed) * 0.4, "and gets \(rate) a second")
    }

    @Test func `time in which nothing was sent is not what the host allows`() {
        var pace = Pace()
        pace.sent(at: Instant(nanoseconds: 0))
        pace.succeeded()
        let later = Instant(nanoseconds: 0) + .seconds(86_400)
        pace.sent(at: later)
        pace.succeeded()
        pace.refused(sent: later, at: later, pause: .seconds(2))
        #expect(pace.interval == .seconds(2))
    }

    @Test func `a host that takes nothing for a minute has no pace after it`() {
        var pace = Pace()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<12 {
            pace.sent(at: now)
            pace.refused(sent: now, at: now, pause: .seconds(5))
            #expect(pace.next == nil)
            now = now + .seconds(5)
        }
    }

    /// Ten a minute, and a pause that is much shorter: the refusals until the minute is over say
    /// nothing new, and their time counts.
    @Test func `what is allowed is measured over the refusals between`() {
        var pace = Pace()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<10 {
            pace.sent(at: now)
            pace.succeeded()
        }
        pace.sent(at: now)
        pace.refused(sent: now, at: now, pause: .seconds(5))
        #expect(pace.interval == .milliseconds(500))
        while now < Instant(nanoseconds: 0) + .seconds(60) {
            now = now + .seconds(6)
            pace.sent(at: now)
            pace.refused(sent: now, at: now, pause: .seconds(5))
        }
        #expect(pace.interval == .milliseconds(500))
        for _ in 0..<10 {
            now = now + .seconds(1)
            pace.sent(at: now)
            pace.succeeded()
        }
        pace.sent(at: now)
        pace.refused(sent: now, at: now, pause: .seconds(5))
        #expect((pace.interval ?? .zero) > .seconds(6))
    }

    @Test func `however often it was too much, more is tried within ten minutes`() {
        var pace = Pace()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<12 {
            pace.sent(at: now)
            pace.succeeded()
            pace.refused(sent: now, at: now, pause: .seconds(1))
            now = now + .seconds(1)
        }
        let slowest = pace.interval ?? .zero
        let start = now
        while pace.interval == slowest, now - start < .seconds(3_600) {
            now = max(now, pace.next ?? now)
            pace.sent(at: now)
            pace.succeeded()
        }
        #expect(now - start <= .seconds(601) + slowest)
    }

    @Test func `a pace is forgotten when the host takes more and more`() {
        var pace = Pace()
        let now = Instant(nanoseconds: 0)
        pace.sent(at: now)
        pace.succeeded()
        pace.refused(sent: now, at: now, pause: .seconds(4))
        #expect(pace.next != nil)
        for _ in 0..<100 { pace.succeeded() }
        #expect(pace.next == nil)
    }
}

import DeliveryCore
import Testing

@testable import WorkerRuntime

@Suite struct ThrottleTests {
    private let start = Instant(nanoseconds: 0)

    @Test func `one line of a kind in ten seconds, and the next says how many were withheld`() {
        var throttle = Throttle<Complaint>()
        #expect(throttle.admit(.takeLease, now: start) == 0)
        for _ in 0..<500 {
            #expect(throttle.admit(.takeLease, now: start + .milliseconds(9_999)) == nil)
        }
        #expect(throttle.admit(.takeLease, now: start + .seconds(10)) == 500)
        #expect(throttle.admit(.takeLease, now: start + .seconds(20)) == 0)
    }

    @Test func `one kind silences no other`() {
        var throttle = Throttle<Complaint>()
        for kind in Complaint.allCases { #expect(throttle.admit(kind, now: start) == 0) }
    }
}

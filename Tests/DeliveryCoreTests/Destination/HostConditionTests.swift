import DeliveryCore
import Testing

/// What is written down of a host, and read by the next owner.
@Suite struct HostConditionTests {
    @Test func `it reads what it has written`() {
        let condition = HostCondition(
            suspendedUntil: WallTime(milliseconds: 1), failingSince: WallTime(milliseconds: 2),
            probeDue: WallTime(milliseconds: 3), cause: "connect-failed")
        #expect(condition.text == "suspended=1 failing=2 probe=3 cause=connect-failed")
        #expect(HostCondition(text: condition.text) == condition)
        #expect(HostCondition(text: "") == HostCondition())
    }

    @Test(arguments: ["mood=bad probe=7", "probe=7 =", "probe=7 suspended=soon"])
    func `what it does not know it passes over`(text: String) {
        #expect(HostCondition(text: text) == HostCondition(probeDue: WallTime(milliseconds: 7)))
    }

    @Test func `a host takes over an outage with its age, and its clock cannot run ahead`() {
        let now = Instant(nanoseconds: 0) + .seconds(1_000_000)
        let wall = WallTime(milliseconds: 2_000_000_000)
        var host = Host(name: "a.example", partition: 0, windowLimit: 4)
        let condition = HostCondition(
            failingSince: wall + .seconds(-3_600), probeDue: wall + .seconds(60),
            cause: "timed-out", lastSuccess: wall + .seconds(-7_200))
        host.recall(condition, now: now, wall: wall)
        #expect(host.circuit.isOpen && !host.isProven)
        #expect(!host.circuit.mayProbe(at: now) && host.circuit.mayProbe(at: now + .seconds(60)))
        #expect(host.condition(now: now, wall: wall) == condition)

        var other = Host(name: "b.example", partition: 0, windowLimit: 4)
        other.recall(HostCondition(failingSince: wall + .seconds(9_999)), now: now, wall: wall)
        #expect(!other.circuit.isDead(at: now))
        #expect(other.circuit.mayProbe(at: now))
    }

    @Test func `what a clock that was wrong wrote down keeps no host waiting for ever`() {
        let wall = WallTime(milliseconds: 1_800_000_000_000)
        let now = Instant(nanoseconds: 1_000_000_000)
        let years: Duration = .seconds(86_400 * 3_650)
        for future in [wall + years, WallTime(milliseconds: .max)] {
            var host = Host(name: "h1.example", partition: 0, windowLimit: 16)
            host.recall(
                HostCondition(
                    suspendedUntil: future, failingSince: wall + .seconds(-300), probeDue: future,
                    lastSuccess: future),
                now: now, wall: wall)
            #expect(!host.isSuspended(at: now + .seconds(6 * 3_600)))
            #expect(host.circuit.mayProbe(at: now + .seconds(140)))
            #expect(host.lastSuccess == wall)
        }
    }
}

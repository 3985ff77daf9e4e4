import Testing

@testable import DeliveryCore

/// What an answer leads to.
@Suite struct VerdictTests {
    /// One delivery in flight: activity 7 to inbox 11, the entry read is 1.
    static func inFlight(
        attempts: UInt8 = 0, _ change: (inout WorkerConfiguration) -> Void = { _ in }
    ) throws -> (Trace, Transmission) {
        var trace = Trace.owning(change)
        let sends = trace.admit(.pointers(1, pointer(7, 11, attempts: attempts))).sends
        return (trace, try #require(sends.first))
    }

    @Test func `a retry is recorded, waits in later, and has one attempt more`() throws {
        var (trace, transmission) = try Self.inFlight(attempts: 2)
        let ended = trace.end(transmission, .status(500, excerpt: "oops"))
        #expect(ended.steps == ["flush"])
        let batch = try #require(ended.flushes.first).batch
        #expect(batch.outcomes.isEmpty && batch.failures.isEmpty)
        #expect(batch.fences.map(\.partition) == [0])
        let attempt = try #require(batch.attempts.first)
        #expect(attempt.activity == 7 && attempt.inbox == 11 && attempt.number == 3)
        #expect(attempt.reason == "server-error" && attempt.status == 500)
        #expect(attempt.duration == .milliseconds(80))
        #expect(attempt.excerpt == Array("oops".utf8))
        #expect(batch.hosts.map(\.condition.cause) == ["server-error"])

        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.holds.isEmpty)
        let later = try #require(resolution.laters.first)
        #expect(later.pointer == pointer(7, 11, attempts: 3))
        #expect(later.due > trace.wall && later.due <= trace.wall + .seconds(270))
    }

    @Test func `what is in later is asked for when it is due, and not before`() throws {
        var (trace, transmission) = try Self.inFlight()
        trace.end(transmission, .status(403))
        let committed = try trace.commit()
        trace.resolve(committed)
        #expect(!trace.live(.seconds(599)).contains("releaseDue"))
        #expect(trace.live(.seconds(2)).names.count { $0 == "releaseDue" } == 1)
        #expect(trace.feed(.dueReleased(0, moved: 1, next: nil)).steps == [])
        let sends = trace.admit(.pointers(2, pointer(7, 11, attempts: 1))).sends
        #expect(sends.count == 1)
    }

    @Test func `a failed release of later is repeated`() throws {
        var (trace, transmission) = try Self.inFlight()
        trace.end(transmission, .status(403))
        trace.resolve(try trace.commit())
        trace.live(.seconds(601))
        #expect(trace.feed(.dueReleaseFailed(0)).steps == [])
        #expect(trace.live(.seconds(1)).contains("releaseDue"))
    }

    @Test func `more that is due is asked for at once`() throws {
        var trace = Trace.owning()
        trace.feed(.dueReleased(0, moved: 0, next: trace.wall + .seconds(1)))
        #expect(trace.live(.seconds(1)).contains("releaseDue"))
        let again = trace.feed(.dueReleased(0, moved: 64, next: trace.wall))
        #expect(again.steps == ["releaseDue"])
        #expect(trace.feed(.ticked).steps == [])
    }

    @Test func `a rejected delivery is a dead letter with what the host said`() throws {
        var (trace, transmission) = try Self.inFlight()
        let batch = try #require(
            trace.end(transmission, .status(422, excerpt: "no")).flushes.first
        ).batch
        #expect(batch.failures.map(\.reason) == ["rejected"])
        #expect(batch.failures.map(\.status) == [422])
        #expect(batch.attempts.map(\.excerpt) == [Array("no".utf8)])
        #expect(try trace.commit().steps == ["forget", "resolve"])
        #expect(trace.history.resolutions.last?.laters.isEmpty == true)
    }

    @Test func `attempts stay at 255`() throws {
        var (trace, transmission) = try Self.inFlight(attempts: 255)
        trace.end(transmission, .status(500))
        #expect(try trace.commit().resolutions.first?.laters.map(\.pointer.attempts) == [255])
    }

    @Test func `when the next attempt would come too late the delivery is given up`() throws {
        var trace = Trace.owning()
        trace.activities[7] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall + .seconds(-3 * 86_400 + 599), expires: nil, size: 1)
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let ended = trace.end(try #require(sends.first), .status(403))
        let failure = try #require(ended.flushes.first?.batch.failures.first)
        #expect(failure.reason == "retries-exhausted")
        #expect(failure.status == 403)
        #expect(failure.detail.contains("72 hours"))
        #expect(try trace.commit().resolutions.allSatisfy(\.laters.isEmpty))
    }

    @Test(arguments: [(Lane.bulk, ["not delivered within 90 minutes"]), (Lane.normal, [])])
    func `each lane has its own time, and the dead letter says which`(
        lane: Lane, sentences: [String]
    ) throws {
        var trace = Trace.owning { $0.retryBudget[.bulk] = .seconds(5_400) }
        trace.activities[7] = PreparedFacts.Activity(
            lane: lane, stored: trace.wall + .seconds(-5_000), expires: nil, size: 1)
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let ended = trace.end(try #require(sends.first), .status(403))
        let details = ended.flushes.flatMap(\.batch.failures).map(\.detail)
        #expect(details.map { String($0.prefix { $0 != ";" }) } == sentences)
    }

    @Test(arguments: [
        (3 * 86_400, "72 hours"), (3_600, "1 hour"), (5_400, "90 minutes"), (90, "90 seconds"),
    ])
    func `a time is told in whole numbers`(seconds: Int, words: String) {
        #expect(Duration.seconds(seconds).inWords == words)
    }

    @Test func `a host that only ever asks for pauses ends with the budget too`() throws {
        var trace = Trace.owning()
        trace.activities[7] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall + .seconds(-3 * 86_400 - 1), expires: nil, size: 1)
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let ended = trace.end(try #require(sends.first), .status(429), retryAfter: .seconds(9))
        #expect(ended.flushes.first?.batch.failures.map(\.reason) == ["retries-exhausted"])
        #expect(try trace.commit().resolutions.allSatisfy(\.holds.isEmpty))
    }

    @Test func `a missing key puts the delivery in later for a minute`() throws {
        var (trace, transmission) = try Self.inFlight()
        let ended = trace.feed(.keyMissing(transmission.token))
        #expect(ended.steps == ["flush"])
        #expect(trace.gauges.inFlight == 0)
        let later = try #require(trace.commit().resolutions.first?.laters.first)
        #expect(later.due == trace.wall + .seconds(60))
        #expect(trace.feed(.keyMissing(transmission.token)).steps == [])
    }

    @Test func `the seventh server error is no poison while others get them too`() throws {
        var (trace, transmission) = try Self.inFlight(attempts: 6)
        let others =
            trace.pass(.seconds(1)) + trace.admit(.fanout(2, 8, to: [12]), .fanout(3, 9, to: [13]))
        trace.end(others.sends[0], .status(200))
        trace.end(others.sends[1], .status(502))
        let ended = trace.end(transmission, .status(502))
        #expect((ended + trace.live(.seconds(1))).flushes.flatMap(\.batch.failures).isEmpty)
    }

    @Test func `the seventh server error is poison if others got through`() throws {
        var (trace, transmission) = try Self.inFlight(attempts: 6)
        let other = trace.pass(.seconds(1)) + trace.admit(.fanout(2, 8, to: [12]))
        trace.end(try #require(other.sends.first), .status(200))
        let ended = trace.end(transmission, .status(500))
        #expect(ended.flushes.first?.batch.failures.map(\.reason) == ["poison"])
    }

    // MARK: Again at once

    @Test func `a 401 is answered by one more signature in the same attempt`() throws {
        var (trace, first) = try Self.inFlight()
        let knock = trace.end(first, .status(401))
        #expect(knock.steps == ["send"])
        let second = try #require(knock.sends.first)
        #expect(second.profile == .messageSignatures && second.url == first.url)
        #expect(second.token != first.token && !second.onFreshConnection)
        #expect(trace.gauges.inFlight == 1)
        #expect(trace.end(first, .status(200)).steps == [], "the first answer is not counted twice")

        let ended = trace.end(second, .status(202))
        #expect(ended.flushes.first?.batch.outcomes.map(\.state) == [.delivered])
        #expect(ended.flushes.first?.batch.attempts.isEmpty == true)

        let next = trace.admit(.fanout(2, 8, to: [11])).sends
        #expect(next.map(\.profile) == [.messageSignatures], "it is remembered")
    }

    @Test func `a second signature in vain is not made again at this host for a day`() throws {
        var (trace, first) = try Self.inFlight()
        let second = try #require(trace.end(first, .status(401)).sends.first)
        let ended = trace.end(second, .status(401))
        #expect(ended.steps == ["flush"])
        #expect(ended.flushes.first?.batch.attempts.map(\.number) == [1])
        let next = try #require(trace.admit(.fanout(2, 8, to: [12])).sends.first)
        #expect(next.profile == .draftCavage)
        #expect(!trace.end(next, .status(401)).contains("send"))
    }

    @Test func `a remembered signature that is refused is forgotten`() throws {
        var (trace, first) = try Self.inFlight()
        let second = try #require(trace.end(first, .status(401)).sends.first)
        trace.end(second, .status(200))
        let third = try #require(trace.admit(.fanout(2, 8, to: [12])).sends.first)
        #expect(third.profile == .messageSignatures)
        #expect(trace.end(third, .status(401)).steps == [])
        let fourth = try #require(trace.admit(.fanout(3, 9, to: [13])).sends.first)
        #expect(fourth.profile == .draftCavage)
    }

    @Test func `a misdirected request goes once more on a new connection`() throws {
        var (trace, first) = try Self.inFlight()
        let second = try #require(trace.end(first, .status(421)).sends.first)
        #expect(second.onFreshConnection && second.profile == .draftCavage)
        #expect(trace.gauges.inFlight == 1)
        let ended = trace.end(second, .status(421))
        #expect(ended.flushes.first?.batch.failures.map(\.reason) == ["rejected"])
    }

    @Test func `an answer to nothing is counted`() throws {
        var (trace, transmission) = try Self.inFlight()
        trace.end(transmission, .status(200))
        let before = trace.machine.staleEvents
        #expect(trace.end(transmission, .status(500)).steps == [])
        #expect(trace.machine.staleEvents == before + 1)
    }
}

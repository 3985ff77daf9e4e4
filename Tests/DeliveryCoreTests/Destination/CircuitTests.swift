import Testing

@testable import DeliveryCore

/// When a host is left alone, and how often it is tried.
@Suite struct CircuitTests {
    let start = Instant(nanoseconds: 0)
    let probe = DeliveryIndex(rawValue: 1)

    private func opened(seed: UInt64 = 1) -> (Circuit, SeededGenerator) {
        var random = SeededGenerator(seed: seed)
        var circuit = Circuit()
        _ = circuit.failed(
            "name-not-found", isCertain: true, window: 4, began: start, at: start, using: &random)
        return (circuit, random)
    }

    @Test(arguments: [(1, 3), (3, 3), (4, 4), (16, 16)])
    func `a full window of failures opens it, three at least`(window: Int, needed: Int) {
        var random = SeededGenerator(seed: 1)
        var circuit = Circuit()
        for number in 1...needed {
            let opens = circuit.failed(
                "timed-out", isCertain: false, window: window, began: start, at: start,
                using: &random)
            #expect(opens == (number == needed))
        }
        #expect(circuit.outage?.cause == "timed-out")
    }

    @Test func `an answer between them starts the count anew`() {
        var random = SeededGenerator(seed: 1)
        var circuit = Circuit()
        for number in 1...20 {
            _ = circuit.failed(
                "timed-out", isCertain: false, window: 3, began: start, at: start, using: &random)
            if number.isMultiple(of: 2) { _ = circuit.answered() }
        }
        #expect(!circuit.isOpen)
    }

    @Test func `five errors on two activities open it, any number on one does not`() {
        var random = SeededGenerator(seed: 1)
        var circuit = Circuit()
        for _ in 0..<50 {
            let opens = circuit.erred("server-error", on: 7, at: start, using: &random)
            #expect(!opens)
        }
        #expect(circuit.isFailing && !circuit.isOpen)
        let opens = circuit.erred("server-error", on: 8, at: start, using: &random)
        #expect(opens)
    }

    @Test func `one probe at a time, when it is due`() {
        var (circuit, random) = opened()
        #expect(!circuit.mayProbe(at: start + .seconds(29)))
        #expect(circuit.mayProbe(at: start + .seconds(43)))
        circuit.probing(with: probe)
        #expect(!circuit.mayProbe(at: start + .seconds(43)))
        circuit.probeFailed(
            "timed-out", on: nil, at: start + .seconds(60), using: &random)
        #expect(!circuit.mayProbe(at: start + .seconds(60)))
        #expect(circuit.mayProbe(at: start + .seconds(103)))
        #expect(circuit.outage?.cause == "timed-out")
    }

    @Test(arguments: UInt64(1)...200)
    func `a dead host gets at most thirty requests in its first day, and one a day when dead`(
        seed: UInt64
    ) {
        var (circuit, random) = opened(seed: seed)
        let day = Duration.seconds(86_400)
        var now = start
        var daily: [Int] = []
        for end in 1...12 {
            var probes = 0
            while let due = circuit.outage?.probeDue, due < start + day * end {
                now = due
                circuit.probing(with: probe)
                circuit.probeFailed("timed-out", on: nil, at: now, using: &random)
                probes += 1
            }
            daily.append(probes)
        }
        // A window's worth of failures came before.
        #expect(daily[0] + 4 <= 30, "\(daily)")
        #expect(daily[1...6].allSatisfy { (4...6).contains($0) }, "\(daily)")
        #expect(daily[8...].allSatisfy { $0 <= 1 }, "\(daily)")
        #expect(circuit.isDead(at: now))
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `one that answers with errors is tried sooner at first, and no more than 30 times a day`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        var circuit = Circuit()
        for number in 0..<5 as Range<Int64> {
            let activity = ActivityID(rawValue: number)
            _ = circuit.erred("server-error", on: activity, at: start, using: &random)
        }
        var times: [Duration] = []
        var requests = 5
        while let due = circuit.outage?.probeDue, due < start + .seconds(86_400) {
            times.append(due - start)
            circuit.probing(with: probe)
            circuit.probeFailed("server-error", on: 9, at: due, using: &random)
            requests += 1
        }
        #expect(times[0] <= .seconds(7) && times[1] <= .seconds(28))
        #expect(requests <= 30)
    }

    @Test func `a hint makes the probe due`() {
        var (circuit, _) = opened()
        circuit.hinted(at: start + .seconds(1))
        #expect(circuit.mayProbe(at: start + .seconds(1)))
    }

    @Test func `an answer closes it and all is forgotten`() {
        var (circuit, _) = opened()
        let wasOpen = circuit.answered()
        #expect(wasOpen)
        #expect(circuit == Circuit())
    }
}

import Supervision

/// Load from its first to its last activity, and then the account.
extension Trial {
    func startLoad() throws {
        let window = isShort ? 1_500 : 4_000
        producer = Producer(
            plan, from: nextNumber, window: window, redis: pools[0].services.redisURL
        ) { [sinks] in
            try sinks.reduce(0) { $0 + (try $1.taken()) }
        }
        try Poll.until("deliveries flow", within: .seconds(60)) { try taken() > 300 }
    }

    /// Lets what is owed come to its end and takes it to account, then begins anew.
    func nextRound() throws {
        try closeRound()
        try startLoad()
    }

    /// Two retries after failures: up to 30 and 90 s.
    private var patience: Duration { .seconds(150) }

    func closeRound() throws {
        guard let producer else { return }
        do {
            // Whatever happened, the pool works on before it is looked at.
            try awaitDeliveries(500, within: patience)
        } catch let late as Poll.NeverCame {
            complaints.append("\(late)")
        }
        try producer.stop()
        self.producer = nil
        let numbers = producer.acknowledged
        // A batch may have been begun and never acknowledged.
        nextNumber = numbers.upperBound + 100
        if producer.refusals > 0 { remarks.append("XADD refused \(producer.refusals) times") }
        var round = Round(plan: plan, numbers: numbers, promise: fault.promise, pool: pools[0])
        try round.settle(within: patience)
        try round.take(SinkProcess.deliveries(of: sinks), takeovers)
        account.add(round)
        takeovers = []
        for sink in sinks { try sink.reset() }
    }
}

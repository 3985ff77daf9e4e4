extension Operation {
    /// A delivery's way through the machine, in three parts, and what is done every second.
    static var scheduling: [Operation] {
        let hosts = [1, 100, 50_000]
        return hosts.map { stage(.open, "open", $0) }
            + hosts.map { stage(.schedule, "schedule", $0) }
            + hosts.map { stage(.settle, "settle", $0) }
            // As many as a worker has deliveries open by default: more hosts cannot wait.
            + [1, 100, 8_192, 50_000].map(tick)
    }

    private static func stage(
        _ stage: BusyWorker.Stage, _ name: String, _ hosts: Int
    ) -> Operation {
        Operation("\(name)-of-\(hosts)", batch: BusyWorker.batch) { () throws(Flaw) in
            var worker = try BusyWorker(hosts: hosts)
            return { batches, meter throws(Flaw) in
                for _ in 0..<batches { worker.cycle(stage, &meter) }
                try worker.check()
            }
        }
    }

    private static func tick(hosts: Int) -> Operation {
        Operation("tick-of-\(hosts)") { () throws(Flaw) in
            var worker = try BusyWorker(hosts: hosts)
            return { batches, meter throws(Flaw) in
                for _ in 0..<batches { worker.tick(&meter) }
                try worker.check()
            }
        }
    }
}

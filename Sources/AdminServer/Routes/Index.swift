/// `/`: what there is here, and the workers at a glance, as plain text.

internal import DeliveryCore
internal import Hummingbird
internal import Scoreboard
internal import Telemetry

extension AdminServer {
    static func addIndex(to router: Router<BasicRequestContext>, _ source: AdminSource) {
        router.get("/") { _, _ in index(await source.workers()) }
    }

    private static func index(_ workers: [SlotReading]) -> String {
        let lines = workers.enumerated().map { slot, worker in
            guard worker.state != .absent else { return "  \(slot)  absent" }
            let (inFlight, open) = (worker.metrics[.inFlight], worker.metrics[.openDeliveries])
            return """
                  \(slot)  \(worker.state.name)  pid \(worker.pid)  \
                \(inFlight) in flight  \(open) open  \(worker.metrics[.ownedPartitions]) partitions
                """
        }
        return """
            trunkline

            /healthz  this process answers
            /readyz   every worker delivers
            /metrics  Prometheus

            workers:
            \(lines.joined(separator: "\n"))

            """
    }
}

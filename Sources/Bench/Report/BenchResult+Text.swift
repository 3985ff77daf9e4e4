extension BenchResult {
    /// For a terminal.
    package var text: String {
        var parts = [
            "\(scenario), seed \(seed), \(measuredServices)",
            throughputText, latencyText, cpuText("CPU, us a delivery", cpu),
            stages.map { cpuText("of the workers, by stage", $0) }
                ?? "CPU of the workers, by stage: not measured",
            memoryText,
        ]
        parts.append(verifiedText)
        parts += notes.map { "Note: \($0)." }
        return parts.joined(separator: "\n\n")
    }

    private var throughputText: String {
        var table = Columns(["a second", "offered", "delivered"])
        table.add(["activities", Figure.text(throughput.offeredActivitiesPerSecond), ""])
        table.add([
            "deliveries", Figure.text(throughput.offeredDeliveriesPerSecond),
            Figure.text(throughput.deliveriesPerSecond),
        ])
        return table.text + "\nlast arrival \(Figure.text(throughput.drainSeconds)) s after the "
            + "last activity"
    }

    private var latencyText: String {
        var table = Columns(["latency, ms"] + Percentiles.names + ["deliveries"])
        for lane in latency {
            table.add(
                [lane.lane.rawValue] + lane.milliseconds.values.map(Figure.text)
                    + [Figure.count(lane.milliseconds.count)])
        }
        if let lateness {
            table.add(
                ["generator late by"] + lateness.values.map(Figure.text)
                    + [Figure.count(lateness.count) + " activities"])
        }
        return table.text
    }

    private func cpuText(_ heading: String, _ entries: [CPU]) -> String {
        var table = Columns([heading, "us", "seconds"])
        for entry in entries {
            table.add([
                entry.name, entry.microsecondsPerDelivery.map(Figure.text) ?? "not measured",
                entry.seconds.map(Figure.text) ?? "-",
            ])
        }
        return table.text
    }

    private var memoryText: String {
        var table = Columns(["memory, MB", "peak", "at the end"])
        for process in memory {
            table.add([
                process.name, Figure.megabytes(process.peakBytes),
                Figure.megabytes(process.lastBytes),
            ])
        }
        return table.text
    }

    private var verifiedText: String {
        guard !holds else {
            return "Verified: \(Figure.count(verified.delivered)) deliveries, each once, each "
                + "signature holds, nothing else came."
        }
        return verified.complaints.map { "NOT VERIFIED: \($0)." }.joined(separator: "\n")
    }
}

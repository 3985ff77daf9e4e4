/// Two results side by side.
package struct Comparison {
    package let before: BenchResult
    package let after: BenchResult

    package init(_ before: BenchResult, _ after: BenchResult) {
        (self.before, self.after) = (before, after)
    }

    /// Why the figures may differ for another reason than the one in question.
    package var warnings: [String] {
        var warnings: [String] = []
        func note(_ what: String, _ one: String, _ other: String) {
            if one != other { warnings.append("\(what) differs: \(one) and \(other)") }
        }
        note("the scenario", before.scenario, after.scenario)
        if before.scenario == after.scenario, before.definition != after.definition {
            warnings.append("the scenario differs: \(before.scenario) was changed in between")
        }
        note("the seed", "\(before.seed)", "\(after.seed)")
        note("what was measured", before.measuredServices, after.measuredServices)
        note("the machine", Self.words(before.machine), Self.words(after.machine))
        note("the commit", before.commit ?? "unknown", after.commit ?? "unknown")
        for name in Set(before.versions.keys).union(after.versions.keys).sorted() {
            note(
                "the version of \(name)", before.versions[name] ?? "unknown",
                after.versions[name] ?? "unknown")
        }
        for (name, result) in [("first", before), ("second", after)] where !result.holds {
            warnings.append("the \(name) run was not verified")
        }
        return warnings
    }

    package struct Row: Equatable {
        package var name: String
        package var before: Double?
        package var after: Double?

        /// Nil where there is nothing to divide.
        package var quotient: Double? {
            guard let before, let after, before > 0 else { return nil }
            return after / before
        }
    }

    package var rows: [Row] {
        var rows = [
            Row(
                name: "deliveries a second", before: before.throughput.deliveriesPerSecond,
                after: after.throughput.deliveriesPerSecond)
        ]
        for lane in BenchLane.allCases {
            let one = before.latency.first { $0.lane == lane }?.milliseconds
            let other = after.latency.first { $0.lane == lane }?.milliseconds
            guard one != nil || other != nil else { continue }
            for (place, name) in Percentiles.names.enumerated() {
                rows.append(
                    Row(
                        name: "latency \(lane.rawValue) \(name), ms", before: one?.values[place],
                        after: other?.values[place]))
            }
        }
        rows += costs("CPU", before.cpu, after.cpu)
        rows += costs("CPU stage", before.stages ?? [], after.stages ?? [])
        let names = Set((before.memory + after.memory).map(\.name)).sorted()
        for name in names {
            func peak(_ result: BenchResult) -> Double? {
                result.memory.first { $0.name == name }.map { Double($0.peakBytes) / 1_000_000 }
            }
            rows.append(
                Row(name: "memory \(name), peak MB", before: peak(before), after: peak(after)))
        }
        return rows
    }

    private func costs(
        _ title: String, _ before: [BenchResult.CPU], _ after: [BenchResult.CPU]
    ) -> [Row] {
        var names = before.map(\.name)
        names += after.map(\.name).filter { !names.contains($0) }
        return names.compactMap { name in
            let row = Row(
                name: "\(title) \(name), us a delivery",
                before: before.first { $0.name == name }?.microsecondsPerDelivery,
                after: after.first { $0.name == name }?.microsecondsPerDelivery)
            return row.before == nil && row.after == nil ? nil : row
        }
    }

    package var text: String {
        var table = Columns(["", "first", "second", "second / first"])
        for row in rows {
            table.add([
                row.name, row.before.map(Figure.text) ?? "-", row.after.map(Figure.text) ?? "-",
                row.quotient.map { Figure.fixed($0, 3) } ?? "-",
            ])
        }
        return (warnings.map { "Warning: \($0)." } + [table.text]).joined(separator: "\n")
    }

    private static func words(_ machine: BenchResult.Machine) -> String {
        "\(machine.processors) x \(machine.processor), "
            + "\(Figure.megabytes(machine.memoryBytes)) MB, \(machine.system), \(machine.kernel)"
    }
}

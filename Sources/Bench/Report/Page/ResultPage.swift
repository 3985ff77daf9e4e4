/// A run as one HTML file: no script, nothing from elsewhere, light or dark as the reader has it.
package struct ResultPage {
    private let result: BenchResult

    package init(_ result: BenchResult) { self.result = result }

    package var html: String {
        let title = "trunkline bench: \(result.scenario)"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <title>\(Markup.escaped(title))</title>
            <style>
            \(Self.style)
            \(Palette.css)
            </style>
            </head>
            <body>
            <h1>\(Markup.escaped(title))</h1>
            \(([verdict] + sections).joined(separator: "\n"))
            </body>
            </html>

            """
    }

    private var verdict: String {
        let verified = result.verified
        var lines = [
            result.holds
                ? "<p class=\"good\">Verified: \(Figure.count(verified.delivered)) deliveries, each "
                    + "once, each signature holds, nothing else came.</p>"
                : verified.complaints.map {
                    "<p class=\"bad\">Not verified: \(Markup.escaped($0)).</p>"
                }.joined(separator: "\n")
        ]
        lines += result.notes.map { "<p class=\"note\">Note: \(Markup.escaped($0)).</p>" }
        return lines.joined(separator: "\n")
    }

    private var sections: [String] {
        [
            "<h2>Throughput</h2>", throughputTable, throughputChart, backlogChart,
            "<h2>Latency</h2>",
            "<p>From when an activity was meant to be enqueued to its arrival at an inbox.</p>",
            latencyTable, latencyChart,
            "<h2>CPU</h2>", cpuTable, kindChart, stageChart, coresChart,
            "<h2>Memory</h2>", memoryChart, memoryTable,
            "<h2>What was run</h2>", facts,
        ]
    }

    // MARK: throughput

    private var throughputTable: String {
        let through = result.throughput
        return Markup.table(
            ["a second", "offered", "delivered"],
            [
                ["activities", Figure.text(through.offeredActivitiesPerSecond), ""],
                [
                    "deliveries", Figure.text(through.offeredDeliveriesPerSecond),
                    Figure.text(through.deliveriesPerSecond),
                ],
            ])
    }

    private var throughputChart: String {
        let points = result.arrivals.enumerated().map {
            (second: Double($0.offset) + 0.5, value: Double($0.element))
        }
        return LineChart(
            title: "Deliveries", unit: "a second",
            lines: [.init(name: "arrived at the sink", points: points)], marks: marks
        ).svg
    }

    private var backlogChart: String {
        LineChart(
            title: "Waiting", unit: "entries",
            lines: [
                line("partition logs") { Double($0.logEntries) },
                line("intake lanes") { Double($0.intakeEntries) },
            ], marks: marks
        ).svg
    }

    // MARK: latency

    private var latencyTable: String {
        var rows = result.latency.map { lane in
            [lane.lane.rawValue] + lane.milliseconds.values.map(Figure.text)
                + [Figure.count(lane.milliseconds.count)]
        }
        if let late = result.lateness {
            rows.append(
                ["generator late by"] + late.values.map(Figure.text) + [Figure.count(late.count)])
        }
        return Markup.table(["ms"] + Percentiles.names + ["of"], rows)
    }

    private var latencyChart: String {
        BarChart(
            title: "Latency by lane", unit: "ms",
            groups: result.latency.map { lane in
                .init(
                    name: lane.lane.rawValue,
                    bars: Array(zip(Percentiles.names, lane.milliseconds.values)))
            }
        ).svg
    }

    // MARK: CPU

    private var cpuTable: String {
        Markup.table(
            ["CPU", "us a delivery", "seconds"],
            (result.cpu + (result.stages ?? []).map(Self.ofStage)).map {
                [
                    $0.name, $0.microsecondsPerDelivery.map(Figure.text) ?? "not measured",
                    $0.seconds.map(Figure.text) ?? "-",
                ]
            })
    }

    private static func ofStage(_ stage: BenchResult.CPU) -> BenchResult.CPU {
        var stage = stage
        stage.name = "workers, \(stage.name)"
        return stage
    }

    private var kindChart: String { bars("CPU by process", result.cpu) }
    private var stageChart: String {
        let title = "CPU of the workers by stage"
        return result.stages.map { bars(title, $0) }
            ?? "<p class=\"note\">\(title): not measured.</p>"
    }

    private func bars(_ title: String, _ entries: [BenchResult.CPU]) -> String {
        BarChart(
            title: title, unit: "us a delivery",
            groups: [
                .init(
                    name: "",
                    bars: entries.compactMap { entry in
                        entry.microsecondsPerDelivery.map { (entry.name, $0) }
                    })
            ]
        ).svg
    }

    private var coresChart: String {
        let kinds = result.cpu.filter { $0.seconds != nil }.map(\.name)
        return LineChart(
            title: "CPU over time", unit: "cores",
            lines: kinds.map { kind in rates(kind) { $0.cpu[kind] } }, marks: marks
        ).svg
    }

    /// The slope between neighbours.
    private func rates(_ name: String, _ value: (Sample) -> Double?) -> LineChart.Line {
        var points: [(second: Double, value: Double)] = []
        for (before, after) in zip(result.samples, result.samples.dropFirst()) {
            guard let from = value(before), let to = value(after), after.second > before.second
            else { continue }
            points.append((after.second, max(to - from, 0) / (after.second - before.second)))
        }
        return LineChart.Line(name: name, points: points)
    }

    // MARK: memory

    private var memoryChart: String {
        LineChart(
            title: "Resident memory", unit: "MB",
            lines: result.memory.map(\.name).map { name in
                LineChart.Line(
                    name: name,
                    points: result.samples.compactMap { sample in
                        sample.memory[name].map { (sample.second, Double($0) / 1_000_000) }
                    })
            }, marks: marks
        ).svg
    }

    private var memoryTable: String {
        Markup.table(
            ["MB", "peak", "at the end"],
            result.memory.map {
                [$0.name, Figure.megabytes($0.peakBytes), Figure.megabytes($0.lastBytes)]
            })
    }

    // MARK: facts

    private var facts: String {
        let machine = result.machine
        var rows = [
            ["scenario", "\(result.scenario), seed \(result.seed)"], ["date", result.date],
            ["measured", result.measuredServices],
            ["commit", result.commit ?? "unknown"],
            ["machine", "\(machine.processors) x \(machine.processor)"],
            ["memory", "\(Figure.megabytes(machine.memoryBytes)) MB"],
            ["system", "\(machine.system), \(machine.kernel)"],
        ]
        rows += result.versions.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
        return Markup.table(["", ""], rows)
    }

    /// Where what is judged begins and ends.
    private var marks: [Double] {
        guard case .object(let members) = result.definition,
            case .number(let warmUp) = members["warmUp"],
            case .number(let duration) = members["duration"]
        else { return [] }
        return [warmUp, warmUp + duration]
    }

    private func line(_ name: String, _ value: (Sample) -> Double) -> LineChart.Line {
        LineChart.Line(
            name: name,
            points: result.samples.filter { $0.second >= 0 }.map { ($0.second, value($0)) })
    }

    private static let style = """
        :root{--back:#fff;--text:#1b1b1b;--dim:#666;--grid:#ddd;--good:#0a6b3d;--bad:#b3261e}
        @media (prefers-color-scheme:dark){
        :root{--back:#16181c;--text:#e6e6e6;--dim:#a0a0a0;--grid:#383c44;--good:#5fd39a;--bad:#ff8a80}
        }
        body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif;
        max-width:800px;margin:2em auto;padding:0 1em}
        table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}
        th,td{padding:.2em .8em .2em 0;text-align:right;border-bottom:1px solid var(--grid)}
        th:first-child,td:first-child{text-align:left}
        figure{margin:1.5em 0}figcaption{font-weight:600}
        svg{width:100%;height:auto;display:block}
        svg text{fill:var(--dim);font-size:12px}
        svg path{fill:none;stroke-width:1.6}
        line.grid{stroke:var(--grid)}line.mark{stroke:var(--dim);stroke-dasharray:4 4}
        ul.legend{list-style:none;padding:0;margin:.3em 0;display:flex;flex-wrap:wrap;gap:.2em 1em}
        span.swatch{display:inline-block;width:.9em;height:.9em;margin-right:.4em;border-radius:2px}
        .good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--dim)}
        """
}

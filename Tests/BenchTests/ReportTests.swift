import Bench
import Foundation
import FoundationXML
import Testing

@Suite struct ReportTests {
    @Test(arguments: [
        (0.0, "0"), (0.0416, "0.042"), (1.234, "1.23"), (9.999, "10.00"), (12.34, "12.3"),
        (123.4, "123"), (1_234_567.8, "1,234,568"), (-1_234.5, "-1,235"), (.infinity, "-"),
    ])
    func `figures have three digits that count`(value: Double, text: String) {
        #expect(Figure.text(value) == text)
    }

    @Test func `what is written is read again`() throws {
        let result = try MeasurementTests.result()
        #expect(try BenchResult.read(result.json, file: "a.json") == result)
        let mistake = try #require(throws: ScenarioMistake.self) {
            try BenchResult.read(Array("{}".utf8), file: "a.json")
        }
        #expect(
            mistake.description.hasPrefix("a.json: is not what `trunkline bench --json` writes"))
        var later = result
        later.format = 2
        let other = try #require(throws: ScenarioMistake.self) {
            try BenchResult.read(later.json, file: "b.json")
        }
        #expect(other.key == "format")
    }

    @Test func `what was not measured is null, and neither zero nor left out`() throws {
        let result = try MeasurementTests.resultOfInstallation()
        let json = try JSONSerialization.jsonObject(with: Data(result.json))
        let members = try #require(json as? [String: Any])
        #expect(members["services"] as? String == "installation")
        #expect(members["stages"] is NSNull)
        let cpu = try #require(members["cpu"] as? [[String: Any]])
        #expect(cpu.map { $0["name"] as? String } == ProcessKind.allCases.map(\.rawValue))
        #expect(cpu[0]["seconds"] is NSNull && cpu[0]["microsecondsPerDelivery"] is NSNull)
        #expect(cpu[2]["seconds"] as? Double == 0.25)
        #expect(try BenchResult.read(result.json, file: "a.json") == result)
    }

    @Test func `a result from before installations could be measured is read`() throws {
        var older = try MeasurementTests.result()
        older.services = nil
        let text = String(decoding: try older.json, as: UTF8.self)
        #expect(!text.contains("services"))
        #expect(try BenchResult.read(Array(text.utf8), file: "a.json") == older)
        #expect(Comparison(older, try MeasurementTests.result()).warnings.isEmpty)
    }

    @Test func `a report without CPU of the workers says so, and is whole`() throws {
        let result = try MeasurementTests.resultOfInstallation()
        #expect(result.text.contains("example, seed 7, 3 workers of an installation"))
        #expect(result.text.contains(/\nworker +not measured +-\n/))
        #expect(result.text.contains("CPU of the workers, by stage: not measured"))
        #expect(result.text.contains("Note: nobody could be asked."))
        let html = ResultPage(result).html
        let body = html.split(separator: "\n").dropFirst().joined(separator: "\n")
        #expect(XMLParser(data: Data(body.utf8)).parse())
        #expect(html.contains("CPU of the workers by stage: not measured."))
        #expect(html.contains("<figcaption>CPU by process, "))
        for banned in ["NaN", "inf,", ">worker</text>"] {
            #expect(!html.contains(banned), "\(banned)")
        }
    }

    @Test func `the table has every lane, process and stage, and the verdict`() throws {
        var result = try MeasurementTests.result()
        for word in ["example, seed 7, 2 workers", "urgent", "bulk", "redis", "settle", "worker 1"]
        {
            #expect(result.text.contains(word), "\(word)")
        }
        #expect(result.text.contains("each once, each signature holds, nothing else came."))
        result.verified.complaints = ["3 of 5 deliveries are missing"]
        #expect(result.text.contains("NOT VERIFIED: 3 of 5 deliveries are missing."))
    }

    @Test func `the page is whole, and takes nothing from elsewhere`() throws {
        var result = try MeasurementTests.result()
        result.notes = ["a < b & \"c\""]
        let html = ResultPage(result).html
        // XML, too, but for its first line: every element is closed, every text escaped.
        let body = html.split(separator: "\n").dropFirst().joined(separator: "\n")
        let parser = XMLParser(data: Data(body.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        for banned in ["<script", "http:", "https:", "url(", "@import", "src=", "NaN", "inf"] {
            #expect(!html.contains(banned), "\(banned)")
        }
        #expect(html.contains("prefers-color-scheme:dark"))
        for title in [
            "Deliveries", "Waiting", "Latency by lane", "CPU by process",
            "CPU of the workers by stage", "CPU over time", "Resident memory",
        ] {
            #expect(html.contains("<figcaption>\(title), "), "\(title)")
        }
        #expect(html.contains("A &lt;fast&gt; one"))
        #expect(html.contains("a &lt; b &amp; &quot;c&quot;"))
    }

    @Test func `a run without a delivery has a page, too`() throws {
        var result = try MeasurementTests.result()
        (result.latency, result.lateness, result.samples) = ([], nil, [])
        (result.arrivals, result.cpu, result.stages, result.memory) = ([], [], nil, [])
        #expect(!ResultPage(result).html.contains("NaN"))
        #expect(!result.text.isEmpty)
    }

    @Test func `two runs stand side by side, with what they differ in`() throws {
        let before = try MeasurementTests.result()
        #expect(Comparison(before, before).warnings.isEmpty)
        #expect(Comparison(before, before).rows.allSatisfy { $0.quotient ?? 1 == 1 })
        var after = before
        after.seed = 8
        after.commit = nil
        after.machine.processors = 4
        after.versions["Redis"] = "7.2"
        after.throughput.deliveriesPerSecond *= 2
        after.cpu[0].microsecondsPerDelivery? /= 4
        after.cpu.removeAll { $0.name == "sink" }
        after.latency.removeFirst()
        after.verified.complaints = ["1 missing"]
        let comparison = Comparison(before, after)
        for word in ["the seed", "the commit", "the machine", "the version of Redis"] {
            #expect(comparison.warnings.contains { $0.hasPrefix("\(word) differs: ") }, "\(word)")
        }
        #expect(comparison.warnings.contains("the second run was not verified"))
        #expect(!comparison.warnings.contains { $0.hasPrefix("the scenario") })
        func row(_ name: String) throws -> Comparison.Row {
            try #require(comparison.rows.first { $0.name == name }, "\(name)")
        }
        #expect(try row("deliveries a second").quotient == 2)
        #expect(try row("CPU worker, us a delivery").quotient == 0.25)
        #expect(try row("CPU sink, us a delivery").after == nil)
        #expect(try row("latency urgent p99, ms").quotient == nil)
        #expect(comparison.text.contains("2.000"))
        #expect(!comparison.rows.contains { $0.name.hasPrefix("CPU supervisor") })
        after.definition = .null
        #expect(
            Comparison(before, after).warnings
                .contains("the scenario differs: example was changed in between"))
    }

    @Test func `services of one's own stand beside an installation`() throws {
        let (own, theirs) = (
            try MeasurementTests.result(), try MeasurementTests.resultOfInstallation()
        )
        let comparison = Comparison(own, theirs)
        #expect(
            comparison.warnings.contains(
                "what was measured differs: 2 workers and 3 workers of an installation"))
        let rows = comparison.rows
        let worker = try #require(rows.first { $0.name == "CPU worker, us a delivery" })
        #expect(worker.before != nil && worker.after == nil && worker.quotient == nil)
        #expect(rows.first { $0.name == "CPU redis, us a delivery" }?.quotient == 1)
        #expect(rows.contains { $0.name == "CPU stage sign, us a delivery" && $0.after == nil })
    }
}

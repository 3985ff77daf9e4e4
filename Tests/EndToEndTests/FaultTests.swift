import FaultHarness
import Testing

extension EndToEnd {
    /// The rows of `deploy/faults`, each in its short form.
    @Suite(.serialized) struct FaultTests {
        @Test(arguments: Fault.abreast.map { $0.map(\.name) })
        func `nothing is lost and little is sent twice`(names: [String]) throws {
            let faults = Fault.standard.filter { names.contains($0.name) }
            let start = ContinuousClock.now
            let rows = Trial.run(abreast: faults, .short)
            print("\(FaultTable(rows).text)\n\(start.duration(to: .now))")
            for row in rows { #expect(row.complaints.isEmpty, "\(row.fault)") }
            let reasons = rows.compactMap(\.skipped)
            if !reasons.isEmpty { try Test.cancel("\(reasons.joined(separator: "; "))") }
        }

        @Test func `every row is among them`() {
            #expect(
                Fault.abreast.flatMap { $0.map(\.name) }.sorted()
                    == Fault.standard.map(\.name).sorted())
        }

        @Test func `a row that was skipped is neither passed nor failed`() {
            let passed = FaultRow(fault: "a")
            var failed = FaultRow(fault: "b")
            failed.complaints = ["it never struck"]
            var skipped = FaultRow(fault: "c")
            skipped.skipped = "needs root"
            #expect(FaultTable([passed]).exitCode(of: 1) == 0)
            #expect(FaultTable([passed, skipped]).exitCode(of: 2) == 3)
            #expect(FaultTable([passed, failed, skipped]).exitCode(of: 3) == 1)
            #expect(FaultTable([passed]).exitCode(of: 2) == 1, "an interrupted suite")
            #expect(FaultTable([skipped]).text.contains("skipped: needs root"))
        }
    }
}

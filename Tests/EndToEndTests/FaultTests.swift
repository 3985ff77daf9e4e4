import FaultHarness
import Testing

extension EndToEnd {
    /// The rows of `deploy/faults`, each in its short form.
    @Suite(.serialized) struct FaultTests {
        @Test(arguments: Fault.standard.map(\.name))
        func `nothing is lost and little is sent twice`(name: String) throws {
            let fault = try #require(Fault.all.first { $0.name == name })
            let row = Trial.run(fault, .short)
            print(FaultTable([row]).text)
            #expect(row.complaints.isEmpty)
        }
    }
}

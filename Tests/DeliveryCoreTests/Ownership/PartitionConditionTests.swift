import DeliveryCore
import Testing

@Suite struct PartitionConditionTests {
    private let record = PartitionRecord(generation: "g", process: "r1")

    @Test func `the right mark in the same process is whole`() {
        let mark = PartitionMark(generation: "g", through: 9)
        #expect(PartitionCondition(mark, by: "r1", record: record) == .whole(through: 9))
    }

    @Test func `in another process the newest may be missing`() {
        let mark = PartitionMark(generation: "g", through: 9)
        #expect(PartitionCondition(mark, by: "r2", record: record) == .rolledBack(after: 9))
        let unknown = PartitionRecord(generation: "g", process: nil)
        #expect(PartitionCondition(mark, by: "r1", record: unknown) == .rolledBack(after: 9))
    }

    @Test func `no mark, or that of another generation, and all is lost`() {
        #expect(PartitionCondition(nil, by: "r1", record: record) == .lost)
        let other = PartitionMark(generation: "h", through: 9)
        #expect(PartitionCondition(other, by: "r1", record: record) == .lost)
    }

    @Test func `a mark is read as it was written, and nothing else is one`() {
        let mark = PartitionMark(generation: "1f2e-3d", through: 22_000_000_000_000_001)
        #expect(PartitionMark(mark.text) == mark)
        for text in ["", "g", "g ", " 5", "g 5 6", "g -1", "g x", "g 5x", "17"] {
            #expect(PartitionMark(text) == nil, "\(text)")
        }
    }
}

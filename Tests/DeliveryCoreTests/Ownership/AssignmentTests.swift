import DeliveryCore
import Testing

@Suite struct AssignmentTests {
    static func members(_ count: Int, seed: UInt64) -> Set<Incarnation> {
        var random = SeededGenerator(seed: seed)
        return Set(
            (0..<count).map {
                Incarnation(rawValue: "w\($0)-\(UInt32.random(in: 0 ... .max, using: &random))")
            })
    }

    static func table(_ members: Set<Incarnation>, count: Int) -> [PartitionNumber: Incarnation] {
        var table: [PartitionNumber: Incarnation] = [:]
        for member in members {
            for partition in Assignment.partitions(of: member, among: members, count: count) {
                #expect(table[partition] == nil, "\(partition) is given out twice")
                table[partition] = member
            }
        }
        return table
    }

    @Test(arguments: UInt64(1)...40)
    func `every partition has one owner, and shares differ by one at most`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = [1, 7, 64, 256].randomElement(using: &random) ?? 64
        let members = Self.members(Int.random(in: 1...12, using: &random), seed: seed)
        let table = Self.table(members, count: count)
        #expect(Set(table.keys) == Set((0..<count).map(PartitionNumber.init(rawValue:))))
        let shares = members.map { member in table.values.count { $0 == member } }
        #expect(
            shares.allSatisfy { $0 == count / members.count || $0 == count / members.count + 1 })
    }

    @Test func `who is not alive owns nothing`() {
        #expect(Assignment.partitions(of: "gone", among: [me, other], count: 64).isEmpty)
        #expect(Assignment.partitions(of: me, among: [], count: 64).isEmpty)
    }

    @Test func `more workers than partitions: some own nothing, none two`() {
        let members = Self.members(10, seed: 3)
        #expect(Set(Self.table(members, count: 4).values).count == 4)
    }

    @Test(arguments: UInt64(1)...20)
    func `when one leaves, little beside its own moves`(seed: UInt64) {
        let members = Self.members(8, seed: seed)
        let before = Self.table(members, count: 64)
        for leaver in members {
            let after = Self.table(members.subtracting([leaver]), count: 64)
            let moved = before.count { $0.value != leaver && after[$0.key] != $0.value }
            // Its own 8 must move; the quotas push a few more along. A modulo would move 56.
            #expect(moved <= 24, "seed \(seed): \(moved) of 64 moved without need")
        }
    }

    @Test func `the table is the same in every process`() {
        let mine = Assignment.partitions(of: "a", among: ["a", "b", "c"], count: 12)
        // Computed once; a change of the hash would move every partition in a rolling upgrade.
        #expect(mine.map(\.rawValue).sorted() == Self.pinned)
    }

    static let pinned = [1, 2, 3, 7]
}

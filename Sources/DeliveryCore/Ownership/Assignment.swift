/// Which worker should own which partition: rendezvous hashing with quotas.
///
/// Every worker computes the same table from the same membership, so nobody hands anything out.
/// Rendezvous hashing moves only the partitions of whoever came or went; the quotas keep every
/// share between floor(P/N) and ceil(P/N).
package enum Assignment {
    package static func partitions(
        of member: Incarnation, among members: Set<Incarnation>, count: Int
    ) -> Set<PartitionNumber> {
        guard members.contains(member), count > 0 else { return [] }
        let ordered = members.sorted()
        let hashes = ordered.map { hash($0.rawValue) }
        let floor = count / ordered.count
        var larger = count % ordered.count
        var loads = [Int](repeating: 0, count: ordered.count)
        var mine: Set<PartitionNumber> = []
        for partition in 0..<count {
            let ranked = ordered.indices.sorted { left, right in
                let first = weight(hashes[left], partition)
                let second = weight(hashes[right], partition)
                return first == second ? left < right : first > second
            }
            let chosen = ranked.first { loads[$0] < floor || (loads[$0] == floor && larger > 0) }
            guard let chosen else { preconditionFailure("the quotas add up to \(count)") }
            if loads[chosen] == floor { larger -= 1 }
            loads[chosen] += 1
            if ordered[chosen] == member { mine.insert(PartitionNumber(rawValue: partition)) }
        }
        return mine
    }

    private static func weight(_ hash: UInt64, _ partition: Int) -> UInt64 {
        SeededGenerator.mix(hash ^ SeededGenerator.mix(UInt64(partition) &+ 1))
    }

    /// FNV-1a: the same in every process, which Swift's own hash is not.
    private static func hash(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}

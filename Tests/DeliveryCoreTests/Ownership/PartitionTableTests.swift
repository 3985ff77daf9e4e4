import Testing

@testable import DeliveryCore

/// The questions that come with every event are not answered from the partitions themselves unless
/// something may have changed: what is due must still be found.
@Suite struct PartitionTableTests {
    private let partition = PartitionNumber(rawValue: 7)
    private let other = PartitionNumber(rawValue: 9)
    private let epoch = Epoch(rawValue: 3)

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func wall(_ seconds: Int64) -> WallTime { WallTime(milliseconds: seconds * 1_000) }

    private func table(deadline: Int64 = 15) -> PartitionTable {
        var table = PartitionTable()
        table.desired = [partition]
        table[partition] = .owned(PartitionTable.Owned(epoch: epoch, deadline: at(deadline)))
        return table
    }

    @Test func `a lease that was renewed runs out later, and is found then`() {
        var table = table()
        #expect(table.overdue(at: at(14)).isEmpty)
        table.renewed([OwnedLease(partition: partition, epoch: epoch)], until: at(20))
        #expect(table.overdue(at: at(15)).isEmpty)
        #expect(table.overdue(at: at(19)).isEmpty)
        #expect(table.overdue(at: at(20)) == [partition])
        #expect(table.overdue(at: at(21)) == [partition])
    }

    @Test func `of two leases the first to run out is found, and then the other`() {
        var table = table()
        table[other] = .sealing(epoch, deadline: at(10))
        #expect(table.overdue(at: at(10)) == [other])
        table[other] = nil
        #expect(table.overdue(at: at(14)).isEmpty)
        #expect(table.overdue(at: at(15)) == [partition])
    }

    @Test func `what is due in later is found again once a release has ended`() {
        var table = table()
        #expect(table.due(at: wall(100)).isEmpty)
        table.update(partition) { $0.nextDue = wall(50) }
        #expect(table.due(at: wall(49)).isEmpty)
        #expect(table.due(at: wall(50)) == [partition])
        table.update(partition) { $0.isReleasingDue = true }
        #expect(table.due(at: wall(51)).isEmpty)
        table.update(partition) { $0.isReleasingDue = false }
        #expect(table.due(at: wall(51)) == [partition])
    }

    @Test func `an examination that is put off comes at its new time`() {
        var table = table()
        table.update(partition) { $0.examinationDue = at(5) }
        let lease = OwnedLease(partition: partition, epoch: epoch)
        #expect(table.examinable(at: at(5)) == [lease])
        table.update(partition) { $0.examinationDue = at(8) }
        #expect(table.examinable(at: at(7)).isEmpty)
        #expect(table.examinable(at: at(8)) == [lease])
        table.update(partition) { $0.examinationDue = nil }
        #expect(table.examinable(at: at(9)).isEmpty)
    }

    @Test func `a partition leaves when it is not desired any more, until it has left`() {
        var table = table()
        #expect(table.leaving().isEmpty)
        table.desired = []
        #expect(table.leaving() == [partition])
        table[partition] = .yielding(PartitionTable.Owned(epoch: epoch, deadline: at(15)))
        table.desired = [partition]
        #expect(table.leaving() == [partition])
        #expect(table.leaving() == [partition])
        table[partition] = .releasing(epoch)
        #expect(table.leaving().isEmpty)
    }
}

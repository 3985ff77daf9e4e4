internal import DeliveryCore

extension Operation {
    /// The ids of a full log entry, as they stand in Redis. The other fields are few and short, and
    /// RedisQueue's own.
    static var coding: [Operation] {
        let inboxes = sampleInboxes
        let bytes = PackedInboxes.encode(inboxes)
        let count = LogEntry.inboxLimit
        return [
            Operation("encode-entry-of-\(count)") { () throws(Flaw) in
                (
                    body: { PackedInboxes.encode(inboxes) },
                    isRight: { PackedInboxes.decode($0) == inboxes }
                )
            },
            Operation("decode-entry-of-\(count)") { () throws(Flaw) in
                (body: { PackedInboxes.decode(bytes) }, isRight: { $0 == inboxes })
            },
        ]
    }

    /// Of an audience that 64 partitions share: neighbours are 64 apart on average.
    private static var sampleInboxes: [InboxID] {
        var chance = SeededGenerator(seed: 1)
        var last: Int32 = 1_000_000
        return (0..<LogEntry.inboxLimit).map { _ in
            last += Int32.random(in: 1...127, using: &chance)
            return InboxID(rawValue: last)
        }
    }
}

import DeliveryCore
import Testing

@Suite struct PackedInboxesTests {
    @Test(
        arguments: [
            ([], []),
            ([1], [0x01]),
            ([127, 128], [0x7F, 0x01]),
            ([128], [0x80, 0x01]),
            ([300, 301, 16_684], [0xAC, 0x02, 0x01, 0xFF, 0x7F]),
            ([Int32.max], [0xFF, 0xFF, 0xFF, 0xFF, 0x07]),
        ] as [([Int32], [UInt8])])
    func `ids are packed as varints of their differences`(ids: [Int32], bytes: [UInt8]) {
        let inboxes = ids.map(InboxID.init(rawValue:))
        #expect(PackedInboxes.encode(inboxes) == bytes)
        #expect(PackedInboxes.decode(bytes) == inboxes)
    }

    @Test(
        arguments: [
            [0x80], [0x01, 0xFF], [0x00], [0x01, 0x00], [0x81, 0x00],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x08], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x01],
        ] as [[UInt8]])
    func `bytes that nobody wrote are refused`(bytes: [UInt8]) {
        #expect(PackedInboxes.decode(bytes) == nil)
    }

    @Test(arguments: UInt64(1)...50)
    func `any set of ids comes back as it was`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bound = Int32(1) << Int32.random(in: 1...30, using: &random)
        let count = Int.random(in: 0...LogEntry.inboxLimit, using: &random)
        let ids = Set((0..<count).map { _ in Int32.random(in: 1...bound, using: &random) })
        let inboxes = ids.sorted().map(InboxID.init(rawValue:))
        #expect(PackedInboxes.decode(PackedInboxes.encode(inboxes)) == inboxes)
    }

    @Test(arguments: UInt64(1)...50)
    func `random bytes are refused or are what those ids are packed to`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in
                // Half of them small differences, so that some of it is well formed.
                UInt8.random(in: Bool.random(using: &random) ? 1...9 : 0...255, using: &random)
            }
            guard let inboxes = PackedInboxes.decode(bytes) else { continue }
            #expect(PackedInboxes.encode(inboxes) == bytes)
        }
    }

    @Test func `neighbours take a byte each`() {
        let inboxes = (1_000..<1_512).map { InboxID(rawValue: $0) }
        #expect(PackedInboxes.encode(inboxes).count == 513)
    }

    @Test(
        arguments: [
            (.max, .max, .max), (.min, .min, 0), (1, 2, 3), (-1, -1, 255),
            (0x0102_0304_0506_0708, 0x0A0B_0C0D, 0x0E),
        ] as [(Int64, Int32, UInt8)])
    func `a pointer comes back from its bytes`(activity: Int64, inbox: Int32, attempts: UInt8) {
        let pointer = DeliveryPointer(
            activity: ActivityID(rawValue: activity), inbox: InboxID(rawValue: inbox),
            attempts: attempts)
        #expect(pointer.bytes.count == DeliveryPointer.byteCount)
        #expect(DeliveryPointer(bytes: pointer.bytes) == pointer)
        #expect(DeliveryPointer(bytes: ([9] + pointer.bytes).dropFirst()) == pointer)
    }

    @Test func `a delivery in later comes back from its bytes, with its chain`() {
        let pointer = DeliveryPointer(
            activity: ActivityID(rawValue: 0x0102_0304_0506_0708),
            inbox: InboxID(rawValue: 0x0A0B_0C0D), attempts: 14)
        let due = WallTime(milliseconds: 1_700)
        let chain = ChainKey(
            host: HostID(rawValue: 0x1112_1314), order: OrderKey(rawValue: 0xF1F2_F3F4_F5F6_F7F8))
        let later = Resolution.Later(pointer: pointer, due: due, chain: chain)
        #expect(
            later.bytes == pointer.bytes
                + [0x11, 0x12, 0x13, 0x14, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8])
        #expect(Resolution.Later(bytes: later.bytes, due: due) == later)

        let alone = Resolution.Later(pointer: pointer, due: due)
        #expect(Resolution.Later(bytes: alone.bytes, due: due) == alone)
        for count in [0, 13, 24, 26] {
            #expect(Resolution.Later(bytes: [UInt8](repeating: 1, count: count), due: due) == nil)
        }
    }

    @Test func `the bytes of a pointer are big-endian`() {
        let pointer = DeliveryPointer(
            activity: ActivityID(rawValue: 0x0102_0304_0506_0708),
            inbox: InboxID(rawValue: 0x0A0B_0C0D), attempts: 0x0E)
        #expect(pointer.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14])
    }

    @Test(arguments: [0, 1, 12, 14, 26])
    func `a pointer of another length is refused`(count: Int) {
        #expect(DeliveryPointer(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }
}

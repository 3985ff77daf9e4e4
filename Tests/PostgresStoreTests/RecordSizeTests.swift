import DeliveryCore
import PostgresStore
import Testing

struct RecordSizeTests {
    @Test func `thirty thousand deliveries are recorded in less than eight bytes each`() throws {
        let fixture = try StoreFixture()
        let count = 30_000
        let rows = try fixture.inboxes((1...count).map { "h\($0).example" })
        let id = try fixture.stored(.sample("wide", to: rows.map(\.id)))
        // The order in which hosts answer is nobody's: the worst case for any compression.
        var random = SeededGenerator(seed: 3)
        let inboxes = rows.map(\.id).shuffled(using: &random)
        let size = """
            select sum(pg_total_relation_size(inhrelid)) from pg_inherits
            where inhparent = 'trunkline.outcome'::regclass
            """
        let before = try fixture.number(size)
        for (number, start) in stride(from: 0, to: count, by: 500).enumerated() {
            var flush = StoreFlush.sample(sequence: Int64(number))
            flush.outcomes = [
                .init(
                    activity: id, state: .delivered, inboxes: Array(inboxes[start..<(start + 500)]),
                    epoch: Epoch(rawValue: 1))
            ]
            _ = try fixture.flush(flush).get()
        }
        let bytes = try fixture.number(size) - before
        #expect(bytes < 8 * count, "\(Double(bytes) / Double(count)) bytes each")
        let delivered = "select count(*) from trunkline.delivery where state = 'delivered'"
        #expect(try fixture.number(delivered) == count)
        #expect(
            try fixture.number(
                "select count(*) from trunkline.owed(\(id.rawValue), \(id.rawValue + 1))") == 0)
    }
}

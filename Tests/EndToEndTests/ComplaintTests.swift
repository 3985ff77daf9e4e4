import FaultHarness
import Testing

extension EndToEnd.OnePool {
    /// What a worker cannot do and tries again shows in its log, once.
    @Suite(.serialized) struct ComplaintTests {
        @Test func `parked activities that cannot be woken are told in one line`() throws {
            let pool = try Federation.current.pool
            try pool.query("alter table trunkline.parked rename to parked_away")
            defer { _ = try? pool.query("alter table trunkline.parked_away rename to parked") }
            let complaint = "waking parked activities failed, will be tried again"
            func lines() -> Int {
                contents(of: pool.log).split(separator: "\n").filter { $0.contains(complaint) }
                    .count
            }
            // Each change of the keys wakes; another one follows when the first was acted upon.
            for number in 1...2 {
                try pool.trunkline([
                    "keys", "add", "--key-id", Sender.keyID("complaint-\(number)"), "--generate",
                    "ed25519",
                ])
                try Poll.until("it is told", within: .seconds(10)) { lines() == 1 }
            }
            #expect(contents(of: pool.log).contains("42P01"))
        }
    }
}

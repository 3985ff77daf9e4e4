import FaultHarness
import Testing

extension EndToEnd {
    /// Keys that change under workers that know them. With a pool of its own: what is prepared
    /// when its key goes waits a minute in `later`.
    @Suite(.serialized) struct KeyChangeTests {
        @Test func `a key that is removed signs nothing more, and no restart is needed`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                // Hosts of all partitions: both workers sign, and know the key.
                let known = try federation.send(
                    ["known"], to: (0..<40).map { sink.inbox("k\($0)") })
                try Poll.until("all are delivered", within: .seconds(20)) {
                    try pool.states(of: known) == ["delivered": known.count]
                }
                try pool.trunkline(["keys", "remove", "--key-id", federation.sender.keyID])
                // Each worker hears of it within a second, and either may expand: so many in a row.
                var (number, inARow) = (0, 0)
                try Poll.until("10 activities in a row are parked", within: .seconds(30)) {
                    number += 1
                    let sent = try federation.send(["removed-\(number)"], to: [sink.inbox("k0")])
                    let pair = try #require(sent.first)
                    try Poll.until("it is parked, sent, or waits", within: .seconds(20)) {
                        try pool.delivery(pair) != nil && pool.openEntries() == 0
                    }
                    let isParked = try pool.delivery(pair)?.lastError?.hasPrefix("missing key")
                    inARow = isParked == true ? inARow + 1 : 0
                    return inARow == 10
                }
            }
        }
    }
}

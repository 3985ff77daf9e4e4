import FaultHarness
import RedisQueue
import Testing

extension EndToEnd.OnePool {
    /// A lane, and a sender, that an operator pauses and resumes.
    @Suite(.serialized) struct PauseTests {
        private func send(_ name: String, lane: String, key: String) throws -> Pair {
            let federation = try Federation.current
            let note = Note(name)
            let inboxes = [federation.sink.inbox("paused")]
            try federation.pool.enqueue(note.entry(to: inboxes, key: key), lane: lane)
            return try #require(note.pairs(inboxes).first)
        }

        private func waitForDelivery(_ pairs: Set<Pair>) throws {
            let federation = try Federation.current
            // What was taken before the pause was known is put off for half a minute.
            try Poll.until("delivered", within: .seconds(90)) {
                try federation.pool.states(of: pairs) == ["delivered": pairs.count]
            }
            #expect(try Tally.of(pairs, at: federation.sink).losses.isEmpty)
        }

        @Test func `entries of a paused lane stay in Redis, urgent ones go, and all when resumed`()
            throws
        {
            let federation = try Federation.current
            let (pool, key) = (federation.pool, federation.sender.keyID)
            try pool.trunkline(["pause", "--lane", "bulk", "--reason", "the disk is full"])
            var bulk: Set<Pair> = []
            var left: Pair?
            // A worker that does not know yet would take an entry at once.
            while left == nil {
                let number = bulk.count
                try #require(number < 100)
                let one = try send("lane-bulk-\(number)", lane: "bulk", key: key)
                bulk.insert(one)
                try waitForDelivery([
                    try send("lane-urgent-\(number)", lane: "urgent", key: key)
                ])
                // One that was read just before the pause was known is pending for half a minute.
                let intake = try pool.bulkIntake()
                if intake.length == intake.pending + 1 { left = one }
            }
            let one = try #require(left)
            #expect(try pool.delivery(one) == nil)
            #expect(try Tally.of([one], at: federation.sink).requests == 0)
            let listed = try pool.trunkline(["controls"])
            #expect(listed.contains("lane bulk is paused since 20"))
            #expect(listed.contains("the disk is full; `trunkline resume --lane bulk` ends it"))

            try pool.trunkline(["resume", "--lane", "bulk"])
            try waitForDelivery([one])
            try waitForDelivery(bulk)
            #expect(try pool.bulkIntake() == (length: 0, pending: 0))
        }

        @Test func `activities of a paused sender are kept, others go, and all when it is resumed`()
            throws
        {
            let federation = try Federation.current
            let pool = federation.pool
            let paused = try Sender("paused", of: pool, known: federation.sink)
            try pool.trunkline(["pause", "--sender", paused.keyID, "--reason", "compromised"])
            var sent: Set<Pair> = []
            var parked = false
            while !parked {
                let number = sent.count
                try #require(number < 100)
                let one = try send("sender-paused-\(number)", lane: "normal", key: paused.keyID)
                sent.insert(one)
                try waitForDelivery([
                    try send(
                        "sender-alice-\(number)", lane: "normal", key: federation.sender.keyID)
                ])
                try Poll.until("it is stored", within: .seconds(20)) {
                    try pool.delivery(one) != nil
                }
                parked = try pool.parked(paused) > 0
                guard parked else { continue }
                let shown = try pool.trunkline(["activity", one.activity])
                #expect(shown.contains("sender \(paused.keyID) is paused since 20"))
                #expect(shown.contains(": compromised; it goes up to 15 minutes after"))
                #expect(try Tally.of([one], at: federation.sink).requests == 0)
            }
            try pool.trunkline(["resume", "--sender", paused.keyID])
            try waitForDelivery(sent)
            try Poll.until("none is parked", within: .seconds(20)) { try pool.parked(paused) == 0 }
        }
    }
}

extension Pool {
    fileprivate func parked(_ sender: Sender) throws -> Int {
        try query("select activity from trunkline.parked where key_id = $1", [sender.keyID]).count
    }

    /// Entries of lane bulk, and how many of them some worker has.
    fileprivate func bulkIntake() throws -> (length: Int, pending: Int) {
        let client = try redis()
        let stream = "trunkline:{intake}:bulk"
        let length = try client.command(["XLEN", stream]).integer ?? 0
        let pending = try client.command(["XPENDING", stream, "expand"]).array?.first?.integer ?? 0
        return (Int(length), Int(pending))
    }
}

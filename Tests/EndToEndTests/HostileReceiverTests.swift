import Foundation
import FaultHarness
import Testing

extension EndToEnd.OnePool {
    /// Receivers that mean harm cost nobody but themselves, and it shows what they did.
    @Suite(.serialized) struct HostileReceiverTests {
        private struct ShownHost: Decodable {
            struct Attempt: Decodable {
                var `class`: String
                var status: Int?
                var duration_ms: Int
            }
            var owed: Int
            var attempts: [Attempt]
        }

        private static let expected = [
            "garbage": "malformed-answer", "heads": "malformed-answer", "bodies": "server-error",
            "reset": "connection-lost", "redirect": "redirected", "nohttps": "tls-failed",
            "silent": "timed-out", "drip": "timed-out",
        ]

        @Test func `hostile hosts are told apart, and the others get everything`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let hostile = try HostileHosts(beside: sink, in: federation.scratch)
            try sink.follow("")
            let inboxes = Self.expected.keys.sorted().map { kind in
                "https://\(hostile.authority(kind))/inbox"
            }
            // Whose wildcard certificate covers one label.
            let misnamed = "a.b.fedi.localhost:\(sink.httpsPort)"
            let good = (0..<40).map { sink.inbox("good\($0)") }
            let names = (0..<5).map { "hostile-\($0)" }
            var expected: Set<Pair> = []
            for name in names {
                let note = Note(name)
                let endless = "https://\(hostile.authority("chunks"))/inbox"
                let everybody =
                    inboxes + ["https://\(misnamed)/inbox", endless] + good
                try pool.enqueue(note.entry(to: everybody, key: federation.sender.keyID))
                expected.formUnion(note.pairs(good))
            }
            // Before the first of those who say nothing has been given up: 30 s.
            try Poll.until("the others have everything", within: .seconds(20)) {
                try Tally.of(expected, at: sink).missing.isEmpty
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty && tally.duplicates == 0)

            var kinds = Self.expected
            kinds["misnamed"] = "certificate-invalid"
            for (kind, reason) in kinds.sorted(by: { $0.key < $1.key }) {
                let name = kind == "misnamed" ? misnamed : hostile.authority(kind)
                var shown: ShownHost?
                try Poll.until("\(kind) is \(reason)", within: .seconds(60)) {
                    shown = try self.shown(name, pool)
                    return shown?.attempts.isEmpty == false
                }
                let attempts = shown?.attempts ?? []
                #expect(attempts.allSatisfy { $0.class == reason }, "\(kind): \(attempts)")
                #expect(attempts.allSatisfy { $0.duration_ms < 35_000 }, "\(kind): \(attempts)")
                // A redirect is an end; all others may come to their senses.
                let isOwed = (shown?.owed ?? 0) > 0
                #expect(isOwed == (reason != "redirected"), "\(kind): \(String(describing: shown))")
            }
            // An answer whose head was whole counts, however its body goes on.
            let endless = try pool.delivery(
                Pair(
                    activity: Note(names[0]).id,
                    inbox: "https://\(hostile.authority("chunks"))/inbox"))
            #expect(endless?.state == "delivered", "\(String(describing: endless))")

            // What they are owed is not to stand among what the next tests count.
            for kind in kinds.keys {
                let name = kind == "misnamed" ? misnamed : hostile.authority(kind)
                try pool.trunkline(["block", name])
            }
            try Poll.until("nothing of them is under way", within: .seconds(60)) {
                try pool.openEntries() == 0 && pool.heldEntries() == 0
            }
        }

        private func shown(_ host: String, _ pool: Pool) throws -> ShownHost {
            let json = try pool.trunkline(["host", host, "--json"])
            return try JSONDecoder().decode(ShownHost.self, from: Data(json.utf8))
        }
    }
}

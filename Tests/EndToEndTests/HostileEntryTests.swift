import FaultHarness
import Foundation
import Testing

extension EndToEnd.OnePool {
    /// Producers err, and some mean harm: each entry costs itself only.
    @Suite(.serialized) struct HostileEntryTests {
        /// An entry that must be rejected, with what its rejection must name.
        struct Broken: Sendable, CustomTestStringConvertible {
            var name: String
            var fields: [(String, String)]
            var code: String
            var names: String
            var testDescription: String { name }
        }

        static let key = Sender.keyID("alice")
        static let inboxes = jsonArray(["https://h1.fedi.localhost/inbox"])

        static let fiveMegabytes = String(repeating: "x", count: 5 << 20)

        static let broken: [Broken] = [
            Broken(
                name: "an activity that is not JSON",
                fields: [("activity", "{\"id\": oops"), ("key", key), ("to", inboxes)],
                code: "not-json", names: "activity"),
            Broken(
                name: "no key",
                fields: [("activity", Note("nokey").body), ("to", inboxes)],
                code: "missing-field", names: "key"),
            Broken(
                name: "nobody to send to",
                fields: [("activity", Note("nobody").body), ("key", key), ("to", "[]")],
                code: "no-recipients", names: "to"),
            Broken(
                name: "a body of 5 MB",
                fields: Note("big", extra: "\"summary\":\"\(fiveMegabytes)\",")
                    .entry(to: ["https://h1.fedi.localhost/inbox"], key: key),
                code: "too-large", names: "activity"),
            Broken(
                name: "a field that nobody knows",
                fields: Note("unknown").entry(to: ["https://h1.fedi.localhost/inbox"], key: key)
                    + [("colour", "red")],
                code: "unknown-field", names: "colour"),
            Broken(
                name: "blind recipients in the body",
                fields: Note("blind", extra: "\"bto\":[\"https://secret.example/u\"],")
                    .entry(to: ["https://h1.fedi.localhost/inbox"], key: key),
                code: "private-addressing", names: "bto"),
        ]

        @Test(arguments: broken)
        func `a broken entry is set aside with its reason and the next one arrives`(
            entry: Broken
        ) throws {
            let federation = try Federation.current
            let pool = federation.pool
            let id = try pool.enqueue(entry.fields)
            let expected = try federation.send(
                ["after-\(entry.code)"], to: [federation.sink.inbox("fine")])
            let pair = try #require(expected.first)
            try Poll.until("the good entry is delivered", within: .seconds(20)) {
                try pool.delivery(pair)?.state == "delivered"
            }
            // By the other worker, perhaps later.
            try Poll.until("it is set aside", within: .seconds(20)) {
                try pool.rejected().contains { $0.id == id }
            }
            let rejections = try pool.rejected().filter { $0.id == id }
            #expect(rejections.map(\.code) == [entry.code])
            let reason = rejections.first?.reason ?? ""
            #expect(reason.contains("\"\(entry.names)"))
            // What is wrong, then how to mend it.
            #expect(reason.contains(";"))
        }

        /// Inboxes that must get nothing, with the reason that the record gives.
        static let forbidden: [(url: String, reason: String)] = [
            ("ftp://files.example/inbox", "not an https URL"),
            ("https://10.0.0.1/inbox", "10.0.0.1"),
            ("https://[::ffff:10.0.0.1]/inbox", "10.0.0.1"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ]

        @Test(arguments: forbidden)
        func `a bad inbox fails alone and says why`(url: String, reason: String) throws {
            let federation = try Federation.current
            let pool = federation.pool
            let note = Note("beside-\(reason)-\(url.utf8.count)")
            let good = federation.sink.inbox("good")
            try pool.enqueue(note.entry(to: [url, good], key: federation.sender.keyID))
            let bad = Pair(activity: note.id, inbox: url)
            try Poll.until("the bad one failed", within: .seconds(20)) {
                try pool.delivery(bad)?.state == "failed"
            }
            let lastError = try #require(try pool.delivery(bad)?.lastError)
            #expect(lastError.contains(reason))
            try Poll.until("the good one is delivered", within: .seconds(20)) {
                try pool.delivery(Pair(activity: note.id, inbox: good))?.state == "delivered"
            }
        }

        @Test func `an activity without its key waits for it and goes when it comes`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let note = Note("keyless")
            let pair = Pair(activity: note.id, inbox: sink.inbox("patient"))
            let keyID = Sender.keyID("bob")
            try pool.enqueue(note.entry(to: [pair.inbox], key: keyID))
            try Poll.until("it is parked", within: .seconds(20)) {
                try pool.delivery(pair)?.lastError == "missing key \(keyID)"
            }
            #expect(try pool.delivery(pair)?.state == "waiting")
            let json = try pool.trunkline(["activity", note.id, "--json"])
            let shown = try JSONDecoder().decode(ShownActivity.self, from: Data(json.utf8))
            #expect(shown.deliveries.first?.waiting_for?.contains(keyID) == true)

            // Published first: the delivery goes out at once, and a receiver that cannot find the
            // key refuses it for ten minutes.
            let pem = federation.scratch.file("bob.pem")
            try Program.run("/usr/bin/openssl", ["genrsa", "-out", pem, "2048"])
            let publicPEM = try Program.run("/usr/bin/openssl", ["rsa", "-in", pem, "-pubout"])
            let begin = try #require(publicPEM.firstRange(of: "-----BEGIN"))
            try sink.publish(keyID: keyID, pem: String(publicPEM[begin.lowerBound...]))
            try pool.trunkline(["keys", "add", "--key-id", keyID, "--pem", pem])
            try Poll.until("it is delivered", within: .seconds(30)) {
                try pool.delivery(pair)?.state == "delivered"
            }
        }

        @Test func `an answer of no text at all is recorded byte for byte`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            // NUL, an overlong encoding, a lone continuation byte.
            let answer: [UInt8] = [0x6E, 0x6F, 0x00, 0xC0, 0x80, 0xFF, 0x0A]
            let base64 = Data(answer).base64EncodedString()
            try sink.follow(
                #"{"host": "binary.*", "status": 400, "bodyBase64": "\#(base64)"}"#)
            let expected = try federation.send(["binary"], to: [sink.inbox("binary")])
            let pair = try #require(expected.first)
            try Poll.until("it failed", within: .seconds(20)) {
                try pool.delivery(pair)?.state == "failed"
            }
            try sink.follow("")
            #expect(try pool.delivery(pair)?.lastStatus == 400)
            let excerpts = try pool.query(
                """
                select encode(t.excerpt, 'base64') from trunkline.attempt t
                join trunkline.activity a on a.id = t.activity where a.activity_id = $1
                """, [pair.activity])
            #expect(excerpts == [[base64]])
        }
    }
}

import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Testing

/// `trunkline enqueue`: checks first, then one XADD.
@Suite(.pool) struct EnqueueTests {
    private static let activity = """
        {"id":"https://our.example/notes/1#create","type":"Create",\
        "actor":"https://our.example/users/a","object":{"id":"https://our.example/notes/1"}}
        """
    private static let key = "https://our.example/users/a#main-key"
    private static let recipients = #"["https://remote.example/inbox"]"#

    @Test func `the entry holds the exact bytes and its id is printed`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        // Blanks and the line end belong to the bytes that are signed.
        let activity = "  " + Self.activity + " \n"
        let result = try tenant.run(
            "enqueue", "--activity", scratch.write(activity, to: "note.json"), "--key", Self.key,
            "--to", "-", input: Self.recipients)
        #expect(result.code == 0, "\(result.errors)")
        let redis = try tenant.redis()
        let entries = try redis.command(["XRANGE", redis.keys.intake(.normal), "-", "+"]).array
        let entry = try #require(entries?.first?.array)
        #expect(entries?.count == 1)
        #expect(result.output == "\(entry[0].text ?? "")\n")
        #expect(
            entry[1].array?.map(\.text) == [
                "activity", activity, "key", Self.key, "to", Self.recipients,
            ])
    }

    @Test func `every option becomes its field, and --json tells what was enqueued`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let result = try tenant.run(
            "enqueue", "--activity", scratch.write(Self.activity, to: "note.json"), "--key",
            Self.key, "--audience", "followers/a", "--lane", "bulk", "--id", "once", "--object",
            "note-1", "--expires", "1900000000", "--exclude",
            scratch.write(#"["https://x.example/inbox"]"#, to: "exclude.json"), "--sync",
            "https://our.example/users/a/followers", "--json")
        let json = try result.json()
        #expect(json["lane"] as? String == "bulk")
        #expect(json["activity"] as? String == "https://our.example/notes/1#create")
        #expect(json["recipients"] is NSNull)
        let redis = try tenant.redis()
        let entries = try redis.command(["XRANGE", redis.keys.intake(.bulk), "-", "+"]).array
        let words = try #require(entries?.first?.array?[1].array?.map { $0.text ?? "" })
        let fields = Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: words.count, by: 2).map {
                (words[$0], words[$0 + 1])
            })
        #expect(
            fields == [
                "activity": Self.activity, "key": Self.key, "audience": "followers/a",
                "id": "once", "object": "note-1", "expires": "1900000000",
                "exclude": #"["https://x.example/inbox"]"#,
                "sync": "https://our.example/users/a/followers",
            ])
    }

    @Test func `a span of time counts from now`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let before = Int(Date.now.timeIntervalSince1970)
        let result = try tenant.run(
            "enqueue", "--activity", scratch.write(Self.activity, to: "note.json"), "--key",
            Self.key, "--to", "-", "--expires", "2h", input: Self.recipients)
        #expect(result.code == 0)
        let redis = try tenant.redis()
        let entries = try redis.command(["XRANGE", redis.keys.intake(.normal), "-", "+"]).array
        let words = try #require(entries?.first?.array?[1].array?.map { $0.text ?? "" })
        let place = try #require(words.firstIndex(of: "expires"))
        let expires = try #require(Int(words[place + 1]))
        #expect((before + 7_200...before + 7_260).contains(expires))
    }

    @Test(arguments: [
        ("[]", recipients, "is an array, not a JSON object"),
        ("{", recipients, "is not JSON"),
        (#"{"type":"Create"}"#, recipients, "the activity has no \"id\""),
        (activity, "{}", "not a JSON array"),
        (activity, "[]", "\"to\" is empty"),
        (activity, #"[{"sharedInbox":"https://a.example/i"}]"#, "has no \"inbox\""),
        (activity, #"["acct:a@b.example"]"#, "no recipient can be reached"),
    ])
    func `a mistake is told at once and nothing is enqueued`(
        activity: String, recipients: String, sentence: String
    ) throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let result = try tenant.run(
            "enqueue", "--activity", scratch.write(activity, to: "note.json"), "--key", Self.key,
            "--to", scratch.write(recipients, to: "to.json"))
        #expect(result.code == 1)
        #expect(result.errors.contains("not enqueued: "))
        #expect(result.errors.contains(sentence), "\(result.errors)")
        let redis = try tenant.redis()
        #expect(try redis.command(["EXISTS", redis.keys.intake(.normal)]).integer == 0)
    }

    @Test func `one bad address among good ones is a warning`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let result = try tenant.run(
            "enqueue", "--activity", scratch.write(Self.activity, to: "note.json"), "--key",
            Self.key, "--to", "-", input: #"["acct:a@b.example","https://b.example/inbox"]"#)
        #expect(result.code == 0)
        #expect(result.errors.contains("1 of 2 recipients"))
    }

    @Test func `what only a worker would find out is warned of, and enqueued all the same`() throws
    {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let note = try scratch.write(Self.activity, to: "note.json")
        let redis = try tenant.redis()
        func enqueue(_ more: String...) throws -> Trunkline.Result {
            let result = try Trunkline.run(
                ["enqueue", "--activity", note, "--key", Self.key] + more + tenant.flags)
            #expect(result.code == 0, "\(result.errors)")
            return result
        }
        let doubtful = try enqueue("--audience", "a/folowers", "--expires", "5")
        #expect(try redis.command(["XLEN", redis.keys.intake(.normal)]).integer == 1)
        for sentence in [
            "expired already, at 1970-01-01T00:00:05.000Z",
            "the key \(Self.key) is not in PostgreSQL",
            "the audience a/folowers has not one row in trunkline.follower",
        ] {
            #expect(doubtful.errors.contains(sentence), "\(doubtful.errors)")
        }
        let database = try tenant.database()
        try database.addKey(keyID: Self.key, algorithm: "rsa", pem: "")
        try database.query(
            """
            create view trunkline.mine as
            select 'a/folowers' as audience, 'https://b.example/inbox' as inbox, '' as shared_inbox
            """)
        let fine = try enqueue(
            "--audience", "a/folowers", "--audience-relation", "trunkline.mine", "--expires", "1h")
        #expect(fine.errors.isEmpty, "\(fine.errors)")
        let unreadable = try enqueue("--audience", "a", "--audience-relation", "trunkline.nobody")
        #expect(unreadable.errors.contains("the audience cannot be read: "))
        try database.query("update trunkline.signing_key set retired_at = now()")
        let config = try scratch.write("audience-relation = trunkline.mine\n", to: "conf")
        let retired = try enqueue("--audience", "a/folowers", "--config", config)
        #expect(retired.errors.contains("is not in PostgreSQL") && !retired.errors.contains("row"))
    }

    @Test func `without PostgreSQL there is no warning, and no delay`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let result = try Trunkline.run([
            "enqueue", "--activity", scratch.write(Self.activity, to: "note.json"), "--key",
            Self.key, "--audience", "a", "--redis", tenant.redisURL, "--key-prefix",
            tenant.keyPrefix,
        ])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    }

    @Test func `a file that is not there is named`() throws {
        let tenant = try Pool.required.tenant()
        let result = try tenant.run(
            "enqueue", "--activity", "/nowhere/note.json", "--key", Self.key, "--to", "-")
        #expect(result.code == 1)
        #expect(result.errors.contains("/nowhere/note.json can't be read: No such file"))
    }
}

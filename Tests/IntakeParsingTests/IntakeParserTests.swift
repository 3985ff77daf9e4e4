import DeliveryCore
import IntakeParsing
import Testing

/// The fields of an entry (DESIGN section 3).
@Suite struct IntakeParserTests {
    @Test func `three fields are enough for a job`() throws {
        let entry = Entry()
        let job = try entry.parse()
        let activity = try #require(entry["activity"])
        #expect(
            job
                == Job(
                    lane: .normal, activity: Array(activity.utf8),
                    activityID: "https://our.example/activities/1", type: "Create",
                    actor: "https://our.example/users/alice",
                    key: "https://our.example/users/alice#main-key",
                    audience: .recipients([Recipient(inbox: "https://remote.example/inbox")]),
                    idempotencyKey: "normal/1700-3/"
                        + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                    orderingKey: "https://our.example/notes/1"))
    }

    @Test func `every other field finds its place`() throws {
        var entry = Entry()
        entry["id"] = "job-7"
        entry["object"] = "thread:9"
        entry["exclude"] = #"["https://gone.example/inbox"]"#
        entry["sync"] = "https://our.example/users/alice/followers"
        entry["expires"] = "1788339907"
        entry["contentType"] =
            #"application/ld+json; profile="https://www.w3.org/ns/activitystreams""#
        let job = try entry.parse()
        #expect(job.idempotencyKey == "job-7")
        #expect(job.orderingKey == "thread:9")
        #expect(job.exclude == ["https://gone.example/inbox"])
        #expect(job.synchronizedCollection == "https://our.example/users/alice/followers")
        #expect(job.expires == WallTime(milliseconds: 1_788_339_907_000))
        #expect(
            job.contentType
                == #"application/ld+json; profile="https://www.w3.org/ns/activitystreams""#)
    }

    @Test func `an audience stands for recipients`() throws {
        let entry = Entry().with("to", nil).with("audience", "followers of alice")
        #expect(try entry.parse().audience == .named("followers of alice"))
    }

    @Test func `the default content type is not written down`() throws {
        #expect(
            try Entry().with("contentType", "application/activity+json").parse().contentType
                == nil)
    }

    @Test(arguments: ["activity", "key", "to"])
    func `a field that is needed is missed by name`(name: String) {
        let rejection = Entry().with(name, nil).rejection
        #expect(rejection?.code == "missing-field")
        #expect(rejection?.reason.contains("\"\(name)\"") == true)
    }

    @Test(arguments: ["Activity", "cc", "", "to ", "inbox", "content-type"])
    func `an unknown field is refused by name`(name: String) {
        let rejection = Entry().with(name, "x").rejection
        #expect(rejection?.code == "unknown-field")
        #expect(rejection?.reason.hasPrefix("field \"\(name)\" is not known") == true)
    }

    @Test func `a hostile field name is shown short and harmless`() {
        let name = "\u{1B}[2J\n" + String(repeating: "é", count: 500)
        let reason = Entry().with(name, "x").rejection?.reason ?? ""
        #expect(reason.hasPrefix(#"field "\u{1B}[2J\néé"#), "\(reason)")
        #expect(reason.count < 250)
        #expect(!reason.contains("\u{1B}") && !reason.contains("\n"))
    }

    @Test(arguments: ["activity", "key", "to", "id"])
    func `a field that stands twice is refused`(name: String) {
        var entry = Entry().with("id", "x")
        entry.fields.append((name, Array("y".utf8)))
        #expect(entry.rejection?.code == "duplicate-field")
    }

    @Test func `recipients and an audience exclude each other`() {
        #expect(Entry().with("audience", "a").rejection?.code == "conflicting-fields")
    }

    @Test(arguments: ["key", "audience", "id", "object", "sync", "expires", "contentType"])
    func `text fields are UTF-8, filled in, short and without control characters`(name: String) {
        var entry = Entry()
        if name == "audience" { entry["to"] = nil }
        for (value, code) in [
            ([0x61, 0xFF], "not-utf8"), ([0xC0, 0xAF], "not-utf8"),
            ([0xED, 0xA0, 0x80], "not-utf8"),
            ([], "invalid-field"), ([0x61, 0x00], "invalid-field"),
            ([0x61, 0x7F], "invalid-field"),
            ([UInt8](repeating: 0x61, count: 2_049), "too-large"),
        ] as [([UInt8], String)] {
            entry.set(name, value)
            let rejection = entry.rejection
            #expect(rejection?.code == code, "\(name) of \(value.prefix(4))")
            #expect(rejection?.reason.contains("\"\(name)\"") == true)
        }
    }

    @Test(arguments: ["activity", "to", "exclude"])
    func `JSON fields are UTF-8 and within their limits`(name: String) {
        var entry = Entry()
        for bytes in [[0x22, 0xFF, 0x22], [0xFF], [], [0x00]] as [[UInt8]] {
            entry.set(name, bytes)
            #expect(entry.rejection?.code == "not-json", "\(bytes)")
        }
        entry.set(name, [UInt8](repeating: 0x20, count: 16 * 1_048_576 + 1))
        #expect(entry.rejection?.code == "too-large")
        entry[name] = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(entry.rejection?.code == "too-deep")
    }

    @Test(arguments: [
        "acct:alice@our.example", "http://our.example/k", "https://our.example/a,b",
        "https://our.example/?a=b", "https://our.example/a\"b", "https://our.example/a b",
    ])
    func `a key is a keyId that every receiver can parse`(key: String) {
        let rejection = Entry().with("key", key).rejection
        #expect(rejection?.code == "invalid-field")
        #expect(rejection?.reason.hasPrefix("field \"key\" ") == true)
    }

    @Test(arguments: [
        "1788339907000", "2026-09-02T09:05:07Z", "-1", "+1", "1.5", " 1", "99999999999999999999",
        "१२",
    ])
    func `expires is whole seconds and nothing else`(text: String) {
        let rejection = Entry().with("expires", text).rejection
        #expect(rejection?.code == "invalid-field")
        #expect(rejection?.reason.contains("whole seconds since 1970") == true)
    }

    @Test(arguments: [
        "application/json", "application/ld+json", "Application/Activity+JSON",
        "application/activity+json; charset=utf-8",
    ])
    func `only ActivityPub's two content types are taken`(type: String) {
        #expect(Entry().with("contentType", type).rejection?.code == "invalid-field")
    }

    @Test(arguments: ["followers", "ftp://our.example/f", "https:///f"])
    func `a synchronized collection is a URL`(collection: String) {
        #expect(Entry().with("sync", collection).rejection?.code == "invalid-field")
    }

    @Test func `one parser reads entry after entry, large and small, good and bad`() throws {
        let parser = IntakeParser()
        let list = (0..<20_000).map { #""https://h\#($0).example/inbox""# }
        let large = Entry().with("to", "[\(list.joined(separator: ","))]")
        let bad = Entry().with("activity", "{")
        for _ in 0..<3 {
            #expect(try Entry().parse(with: parser) == Entry().parse())
            #expect(throws: Rejection.self) { try bad.parse(with: parser) }
            guard case .recipients(let recipients) = try large.parse(with: parser).audience else {
                Issue.record("not recipients")
                return
            }
            #expect(recipients.count == 20_000)
            #expect(recipients.last?.inbox == "https://h19999.example/inbox")
            let deep = Entry().with(
                "activity",
                String(repeating: "[", count: 65) + String(repeating: "]", count: 65))
            #expect(throws: Rejection.self) { try deep.parse(with: parser) }
        }
    }
}

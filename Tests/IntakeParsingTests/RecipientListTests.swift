import DeliveryCore
import IntakeParsing
import Testing

@Suite struct RecipientListTests {
    @Test func `strings and objects may stand side by side`() throws {
        let list = #"""
            ["https://a.example/inbox",
             {"inbox":"https://b.example/u/inbox"},
             {"sharedInbox":"https://c.example/inbox","inbox":"https://c.example/u/inbox"},
             {"inbox":"https://d.example/u/inbox","sharedInbox":"https://d.example/inbox",
              "direct":true},
             {"inbox":"https://e.example/u/inbox","direct":false}]
            """#
        #expect(
            try Entry().with("to", list).parse().audience
                == .recipients([
                    Recipient(inbox: "https://a.example/inbox"),
                    Recipient(inbox: "https://b.example/u/inbox"),
                    Recipient(
                        inbox: "https://c.example/u/inbox",
                        sharedInbox: "https://c.example/inbox"),
                    Recipient(
                        inbox: "https://d.example/u/inbox",
                        sharedInbox: "https://d.example/inbox", direct: true),
                    Recipient(inbox: "https://e.example/u/inbox"),
                ]))
    }

    @Test(arguments: [
        ("[]", "no-recipients", "\"to\""), ("{}", "wrong-kind", "\"to\""),
        ("\"https://a.example/inbox\"", "wrong-kind", "\"to\""),
        ("[\"a\",1]", "wrong-kind", "to[1]"), ("[\"a\",[\"b\"]]", "wrong-kind", "to[1]"),
        ("[null]", "wrong-kind", "to[0]"), ("[\"\"]", "invalid-member", "to[0]"),
        ("[\"a\\u0000\"]", "invalid-member", "to[0]"),
        (#"[{"inbox":"a","shared_inbox":"b"}]"#, "unknown-member", "\"shared_inbox\""),
        (#"[{"inbox":"a","":"b"}]"#, "unknown-member", "to[0]"),
        ("[{}]", "missing-member", "to[0]"),
        (#"[{"sharedInbox":"b"}]"#, "missing-member", "\"inbox\""),
        (#"[{"inbox":"a","inbox":"b"}]"#, "duplicate-member", "to[0].inbox"),
        (#"[{"inbox":"a","direct":1}]"#, "wrong-kind", "to[0].direct"),
        (#"[{"inbox":"a","direct":"true"}]"#, "wrong-kind", "to[0].direct"),
        (#"[{"inbox":"a","direct":true,"direct":true}]"#, "duplicate-member", "direct"),
        (#"[{"inbox":"a","sharedInbox":null}]"#, "wrong-kind", "to[0].sharedInbox"),
        (#"["a""#, "not-json", "\"to\""),
    ])
    func `a list of another shape is refused by place`(list: String, code: String, word: String) {
        let rejection = Entry().with("to", list).rejection
        #expect(rejection?.code == code, "\(rejection?.reason ?? "taken")")
        #expect(rejection?.reason.contains(word) == true, "\(rejection?.reason ?? "")")
    }

    @Test func `an address that leads nowhere is left to whoever judges addresses`() throws {
        #expect(
            try Entry().with("to", #"["as:Public"]"#).parse().audience
                == .recipients([Recipient(inbox: "as:Public")]))
    }

    @Test func `a hundred thousand recipients are taken and one more is sent to an audience`()
        throws
    {
        func list(_ count: Int) -> String {
            "[" + (0..<count).map { "\"https://h\($0).example/i\"" }.joined(separator: ",") + "]"
        }
        guard
            case .recipients(let all) = try Entry().with("to", list(100_000)).parse().audience
        else {
            Issue.record("not recipients")
            return
        }
        #expect(all.count == 100_000)
        let rejection = Entry().with("to", list(100_001)).rejection
        #expect(rejection?.code == "too-many-recipients")
        #expect(rejection?.reason.contains("\"audience\"") == true)
    }

    @Test(arguments: [
        ("{}", "wrong-kind"), ("[1]", "wrong-kind"), ("[\"\"]", "invalid-member"),
        (#"[{"inbox":"a"}]"#, "wrong-kind"), ("[", "not-json"),
        ("[" + Array(repeating: "\"a\"", count: 10_001).joined(separator: ",") + "]", "too-large"),
    ])
    func `exclude is a list of URLs`(list: String, code: String) {
        let rejection = Entry().with("exclude", list).rejection
        #expect(rejection?.code == code)
        #expect(rejection?.reason.contains("exclude") == true)
    }

    @Test func `an empty exclude excludes nobody`() throws {
        #expect(try Entry().with("exclude", "[]").parse().exclude == [])
    }
}

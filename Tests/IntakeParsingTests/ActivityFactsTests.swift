import DeliveryCore
import IntakeParsing
import Testing

/// The body: what ActivityPub demands of an activity, and what is taken from it.
@Suite struct ActivityFactsTests {
    private func entry(_ activity: String) -> Entry { Entry().with("activity", activity) }

    private func activity(_ type: String, _ rest: String = "") -> Entry {
        entry(
            #"{"id":"https://our.example/a/1","type":"\#(type)","#
                + #""actor":"https://our.example/alice"\#(rest)}"#)
    }

    @Test(arguments: [
        ("Create", #","object":{"id":"https://our.example/n"}"#, "https://our.example/n"),
        ("Create", #","object":"https://our.example/n""#, "https://our.example/n"),
        ("Update", #","object":{"id":"https://our.example/n"}"#, "https://our.example/n"),
        (
            "Delete", #","object":{"type":"Tombstone","id":"https://our.example/n"}"#,
            "https://our.example/n"
        ),
        (
            "Undo",
            #","object":{"id":"https://our.example/like/1","object":"https://r.example/n"}"#,
            "https://our.example/like/1"
        ),
        ("Undo", #","object":"https://our.example/like/1""#, "https://our.example/like/1"),
        ("Like", #","object":"https://r.example/n""#, "https://our.example/a/1"),
        ("Follow", #","object":"https://r.example/bob""#, "https://our.example/a/1"),
        ("Announce", #","object":"https://r.example/n""#, "https://our.example/a/1"),
        ("Create", #","object":{"type":"Note"}"#, "https://our.example/a/1"),
        ("Create", #","object":[{"id":"https://our.example/n"}]"#, "https://our.example/a/1"),
        ("Travel", "", "https://our.example/a/1"),
    ])
    func `the ordering key is the object's id where order matters`(
        type: String, rest: String, key: String
    ) throws {
        #expect(try activity(type, rest).parse().orderingKey == key)
    }

    @Test(arguments: [
        ("Create", #","object":{"id":"https://our.example/n"}"#, nil, false),
        ("Update", #","object":{"id":"https://our.example/n"}"#, nil, true),
        ("Delete", #","object":"https://our.example/n""#, nil, true),
        ("Undo", #","object":"https://our.example/like/1""#, nil, true),
        ("Undo", #","object":{"type":"Like"}"#, nil, false),
        ("Like", #","object":"https://r.example/n""#, nil, false),
        ("Create", #","object":{"id":"https://our.example/n"}"#, "thread:9", true),
        ("Like", #","object":"https://r.example/n""#, "https://r.example/n", true),
        ("Like", #","object":"https://r.example/n""#, "https://our.example/a/1", false),
    ])
    func `something may stand before what has another's key, or one that was named`(
        type: String, rest: String, named: String?, mayFollow: Bool
    ) throws {
        let entry = activity(type, rest).with("object", named)
        #expect(try entry.parse().mayFollow == mayFollow)
    }

    @Test func `an Undo is ordered behind what it undoes`() throws {
        let like = try activity("Like", #","object":"https://r.example/n""#).parse()
        let undo = try activity("Undo", #","object":{"id":"https://our.example/a/1"}"#).parse()
        #expect(undo.orderingKey == like.orderingKey)
    }

    @Test func `escapes in an id are resolved and an embedded actor is named by its id`() throws {
        let job = try entry(
            #"{"id":"https:\/\/our.example\/\u00e9","type":"Move","actor":"#
                + #"{"type":"Person","id":"https://our.example/alice"}}"#
        ).parse()
        #expect(job.activityID == "https://our.example/é")
        #expect(job.actor == "https://our.example/alice")
    }

    @Test(arguments: [
        ("[]", "wrong-kind", "array"), ("\"x\"", "wrong-kind", "a string"),
        ("null", "wrong-kind", "null"), ("1", "wrong-kind", "a number"),
        ("true", "wrong-kind", "a boolean"),
        ("{}", "missing-member", "\"id\""),
        (#"{"id":"x"}"#, "missing-member", "\"type\""),
        (#"{"id":"x","type":"Move"}"#, "missing-member", "\"actor\""),
        (#"{"id":1}"#, "wrong-kind", "\"id\""),
        (#"{"id":null}"#, "wrong-kind", "\"id\""),
        (#"{"id":""}"#, "invalid-member", "\"id\""),
        (#"{"id":"a\u0000b"}"#, "invalid-member", "\"id\""),
        (#"{"id":"x","type":["Create","Move"]}"#, "wrong-kind", "\"type\""),
        (#"{"id":"x","type":"Move","actor":["https://a.example/"]}"#, "wrong-kind", "\"actor\""),
        (#"{"id":"x","type":"Move","actor":{}}"#, "missing-member", "\"actor.id\""),
        (#"{"id":"x","type":"Move","actor":{"id":3}}"#, "wrong-kind", "\"actor.id\""),
        (#"{"id":"x","type":"Move","actor":"alice"}"#, "invalid-member", "\"actor\""),
        (#"{"id":"x","id":"y"}"#, "duplicate-member", "\"id\""),
        (#"{"id":"x","\u0069d":"y"}"#, "duplicate-member", "\"id\""),
        (
            #"{"id":"x","type":"Move","actor":{"id":"a","id":"b"}}"#, "duplicate-member",
            "\"actor.id\""
        ),
        ("{\"id\":\"x\",}", "not-json", "\"activity\""),
        ("{\"id\":\"x\"} {}", "not-json", "\"activity\""),
        ("\u{FEFF}{}", "not-json", "\"activity\""),
        (#"{"id":"\ud800"}"#, "not-json", "\"activity\""),
        (#"{"id":"x","y":NaN}"#, "not-json", "\"activity\""),
    ])
    func `a body that is no activity is refused by what it lacks`(
        body: String, code: String, word: String
    ) {
        let rejection = entry(body).rejection
        #expect(rejection?.code == code, "\(rejection?.reason ?? "taken")")
        #expect(rejection?.reason.contains(word) == true, "\(rejection?.reason ?? "")")
    }

    @Test func `an id has a limit`() {
        let id = String(repeating: "x", count: 2_049)
        #expect(entry(#"{"id":"\#(id)"}"#).rejection?.code == "too-large")
    }

    /// ActivityPub section 6.
    @Test(
        arguments: [
            "Create", "Update", "Delete", "Follow", "Add", "Remove", "Like", "Block", "Undo",
        ], ["", #","object":null"#, #","object":"""#, #","object":[]"#, #","object":7"#])
    func `types that need an object are refused without one`(type: String, rest: String) {
        let rejection = activity(type, rest).rejection
        #expect(rejection?.code == "missing-member")
        #expect(rejection?.reason.contains("\"object\"") == true)
    }

    @Test(arguments: ["Add", "Remove"])
    func `Add and Remove need a target too`(type: String) {
        let object = #","object":"https://our.example/n""#
        let rejection = activity(type, object).rejection
        #expect(rejection?.code == "missing-member")
        #expect(rejection?.reason.contains("\"target\"") == true)
        #expect(
            activity(type, object + #","target":"https://our.example/c""#).rejection == nil)
    }

    @Test(arguments: [
        #","bto":[]"#, #","bcc":["https://r.example/bob"]"#, #","bto":null"#,
        #","\u0062cc":"x""#, #","as:bto":"x""#,
        #","https://www.w3.org/ns/activitystreams#bcc":"x""#,
        #","object":{"id":"x","bcc":[]}"#, #","object":[{"id":"x"},{"bto":[]}]"#,
        #","object":{"object":{"attachment":[[{"bto":[]}]]}}"#,
    ])
    func `hidden recipients are refused wherever they stand`(rest: String) {
        #expect(activity("Travel", rest).rejection?.code == "private-addressing")
    }

    @Test(arguments: [
        #","@context":{"bto":{"@id":"as:bto"},"bcc":"as:bcc"}"#, #","object":{"content":"bto"}"#,
        #","object":{"@context":[{"bto":"as:bto"}],"id":"x"}"#,
    ])
    func `a context that defines bto, or a text that says it, hides nobody`(rest: String) {
        #expect(activity("Travel", rest).rejection == nil)
    }

    @Test func `a body of one MiB is taken and one byte more is not`() {
        let shell = #"{"id":"https://our.example/1","type":"Move","actor":"https://our.example/a"}"#
        let padding = String(repeating: " ", count: 1_048_576 - shell.utf8.count)
        #expect(entry(shell + padding).rejection == nil)
        #expect(entry(shell + padding + " ").rejection?.code == "too-large")
    }
}

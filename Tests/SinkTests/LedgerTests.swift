import Testing

@testable import Sink

/// The ledger without a socket.
@Suite struct LedgerTests {
    private func scan(_ body: String) -> ActivityScan? {
        Array(body.utf8).withUnsafeBytes(ActivityScan.init)
    }

    private func take(
        _ ledger: inout Ledger, _ id: String, type: String = "Create", object: String = "o",
        host: String = "h1", path: String = "/inbox", status: Int = 202
    ) {
        let ticket = ledger.requestCame(
            scan(Harness.activity(id, type: type, object: object)), scheme: "https",
            authority: host, target: path, at: 1_000)
        ledger.answered(ticket, status: status)
    }

    @Test(arguments: [
        (#"{"id":"a","type":"Create","object":{"x":[{"id":"no"}],"id":"o"}}"#, "a", "Create", "o"),
        (#"{"object":"o","type":["Delete","X"],"id":"a"}"#, "a", "Delete", "o"),
        (
            #" { "id" : "https:\/\/x\/\u00e9\ud83d\ude00" , "n" : -1e3, "t":true } "#,
            "https://x/é😀", "", ""
        ),
        (#"{"a":{"id":"no"},"b":["id","x"],"id":"yes\"}"}"#, "yes\"}", "", ""),
        (#"{"id":"a","object":null}"#, "a", "", ""),
    ])
    func `the top-level id, type and object are found`(
        body: String, id: String, type: String, object: String
    ) throws {
        let found = try #require(scan(body))
        #expect(found.id == id)
        #expect(found.type == type)
        #expect(found.object == object)
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "null", #"{"id":1}"#, #"{"id":"a""#, #"{"id":"a",}"#, #"{"id":"\"#,
        #"{"id":"\u12"}"#, #"{"id":{"id":"a"}}"#, #"{"x":]}"#, #"{"id" "a"}"#,
    ])
    func `a body without an id, or that is no object, is none`(body: String) {
        #expect(scan(body) == nil)
    }

    @Test func `acceptances beyond the first are duplicates, refusals are not`() {
        var ledger = Ledger(nowMilliseconds: 0)
        take(&ledger, "1", status: 503)
        take(&ledger, "1")
        take(&ledger, "1")
        take(&ledger, "1", path: "/other")
        take(&ledger, "2")
        #expect(ledger.totals.duplicates == 1)
        #expect(ledger.totals.accepted == 4)
        #expect(ledger.totals.answers == [503: 1, 202: 4])
        #expect(ledger.distinct == (activities: 2, inboxes: 2, hosts: 1, pairs: 3))
    }

    @Test(arguments: [
        (["Create", "Update", "Update", "Delete"], 0), (["Delete"], 0), (["Update", "Delete"], 0),
        (["Update", "Create"], 1), (["Delete", "Create", "Update"], 2),
        (["Create", "Delete", "Like", "Update"], 1),
    ])
    func `a step after a later one is a violation`(types: [String], violations: Int) {
        var ledger = Ledger(nowMilliseconds: 0)
        for (number, type) in types.enumerated() { take(&ledger, "\(number)", type: type) }
        #expect(ledger.orderViolations == violations)
    }

    @Test func `order is judged per host and object, and not for repetitions`() {
        var ledger = Ledger(nowMilliseconds: 0)
        take(&ledger, "c", type: "Create")
        take(&ledger, "d", type: "Delete")
        take(&ledger, "c", type: "Create")
        take(&ledger, "c2", type: "Create", object: "other")
        take(&ledger, "c", type: "Create", host: "h2")
        take(&ledger, "u", type: "Update", status: 500)
        #expect(ledger.orderViolations == 0)
        take(&ledger, "u", type: "Update")
        #expect(
            ledger.orderExamples == [
                OrderViolation(
                    host: "h1", object: "https://social.example/o", came: "update", after: "delete")
            ])
    }

    @Test func `beyond its limit it goes on counting known pairs only`() {
        var ledger = Ledger(nowMilliseconds: 0, pairLimit: 2)
        for id in ["1", "2", "3", "1"] { take(&ledger, id) }
        #expect(ledger.distinct.pairs == 2)
        #expect(ledger.totals.unrecorded == 1)
        #expect(ledger.totals.accepted == 4)
        #expect(ledger.totals.duplicates == 1)
    }

    @Test func `an exchange that began before a reset changes nothing after it`() {
        var ledger = Ledger(nowMilliseconds: 0)
        let ticket = ledger.requestCame(
            scan(Harness.activity("1")), scheme: "https", authority: "h", target: "/", at: 1)
        ledger.reset(nowMilliseconds: 5)
        ledger.answered(ticket, status: 202)
        ledger.notAnswered(ticket, .abandoned)
        #expect(ledger.totals == LedgerTotals())
    }

    @Test func `a hundred thousand pairs are read back whole, in slices, while more come`() {
        var ledger = Ledger(nowMilliseconds: 0)
        for activity in 0..<100 {
            for inbox in 0..<1_000 {
                take(&ledger, "\(activity)", host: "h\(inbox)", path: "/i")
            }
        }
        var cursor = ledger.cursor(activity: nil)!
        var seen: Set<String> = []
        while let lines = ledger.read(&cursor, count: 777, looks: 10_000) {
            for line in lines {
                #expect(line.accepted == 1 && line.requests == 1)
                seen.insert("\(line.activity) \(line.inbox)")
            }
            if seen.count < 5_000 { take(&ledger, "late\(seen.count)") }
        }
        #expect(seen.count == ledger.distinct.pairs)
        #expect(ledger.distinct.pairs > 100_000)

        var one = ledger.cursor(activity: "https://social.example/7")!
        var count = 0
        while let lines = ledger.read(&one, count: 777, looks: 10_000) { count += lines.count }
        #expect(count == 1_000)
        #expect(ledger.cursor(activity: "nobody's") == nil)
    }

    @Test func `the rate is that of the last ten whole seconds`() {
        var rate = RequestRate()
        for second in 0..<20 {
            for _ in 0..<7 { rate.count(at: 1_000_000 + Int64(second) * 1_000) }
        }
        #expect(rate.perSecond(at: 1_020_500) == 7)
        #expect(rate.perSecond(at: 1_025_500) == 3.5)
        #expect(rate.perSecond(at: 1_090_000) == 0)
    }

    @Test(arguments: [
        (Int64(0), "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func `a date is written and read`(seconds: Int64, text: String) {
        #expect(HTTPDate.text(for: seconds) == text)
        #expect(HTTPDate.seconds(in: text) == seconds)
    }

    @Test(arguments: [
        "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Thu, 30 Feb 2024 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:3\u{e9}GMT", "",
    ])
    func `what is no IMF-fixdate is none`(text: String) {
        #expect(HTTPDate.seconds(in: text) == nil)
    }
}

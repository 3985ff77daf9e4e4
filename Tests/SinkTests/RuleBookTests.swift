import Testing

@testable import Sink

/// The rules without a socket.
@Suite struct RuleBookTests {
    @Test(arguments: [
        ("*", "anything", true), ("*", "", true),
        ("h1*.fedi.localhost", "h17.fedi.localhost", true),
        ("h1*.fedi.localhost", "h27.fedi.localhost", false), ("h?", "h1", true),
        ("h?", "h", false), ("h?", "h12", false), ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false), ("", "", true), ("", "x", false),
    ])
    func `a glob matches whole names`(pattern: String, text: String, matches: Bool) {
        #expect(GlobPattern(pattern).matches(text) == matches)
    }

    @Test(arguments: [
        ("[]", "Expected to decode"), ("{", "not valid JSON"), ("{}", "rules: missing"),
        (#"{"rules": [{"stauts": 500}]}"#, "rules[0].stauts: no such member"),
        (#"{"rules": [{}, {"status": 99}]}"#, "rules[1].status: 99 is not within 200 and 599"),
        (#"{"rules": [{"hang": true, "reset": true}]}"#, "rules[0].reset: excludes hang"),
        (#"{"rules": [{"delay": [5, 1]}]}"#, "rules[0].delay: a number of milliseconds"),
        (#"{"rules": [{"body": "a", "bodySize": 1}]}"#, "rules[0].bodySize: excludes body"),
        (#"{"rules": [{"bodySize": "big"}]}"#, "rules[0].bodySize: a number of bytes"),
        (#"{"rules": [{"bodyBase64": "?"}]}"#, "rules[0].bodyBase64: not base64"),
        (#"{"rules": [{"probability": 1.5}]}"#, "rules[0].probability: 1.5 is not within"),
        (#"{"rules": [{"status": "ok"}]}"#, "rules[0].status: "),
    ])
    func `bad rules are told in one sentence with the place`(text: String, sentence: String) {
        let error = #expect(throws: SinkError.self) {
            try RuleDocument.rules(in: Array(text.utf8))
        }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func `a probability draws its share, the same in every run`() {
        var rule = Rule(host: GlobPattern("*"))
        rule.probability = 0.25
        rule.seed = 42
        rule.answer.status = 500
        func draws(_ seed: UInt64) -> [Bool] {
            var book = RuleBook()
            rule.seed = seed
            book.replace(with: [rule])
            return (0..<4_000).map { number in
                // Another host between them changes nothing.
                _ = book.decide(host: "h\(number % 7)", path: "/", nowMilliseconds: 0)
                return book.decide(host: "same", path: "/", nowMilliseconds: 0).answer.status == 500
            }
        }
        let first = draws(42)
        #expect(first == draws(42))
        #expect(first != draws(43))
        #expect((900...1_100).contains(first.count { $0 }))
    }

    @Test func `a place is given back, but not to rules that came later`() throws {
        var rule = Rule(host: GlobPattern("*"))
        rule.maximumConcurrent = 1
        var book = RuleBook()
        book.replace(with: [rule])
        func decide() -> RuleBook.Decision {
            book.decide(host: "h", path: "/", nowMilliseconds: 0)
        }
        let first = decide()
        #expect(decide().answer.status == 429)
        book.release(try #require(first.permit))
        let second = decide()
        #expect(second.answer.status == 202)

        book.replace(with: [rule])
        let third = decide()
        #expect(third.answer.status == 202)
        book.release(try #require(second.permit))
        #expect(decide().answer.status == 429, "the earlier rules' place is not this one's")
    }

    @Test func `a bucket fills again`() {
        var bucket = TokenBucket(perSecond: 2, now: 1_000)
        #expect(bucket.take(now: 1_000) == nil)
        #expect(bucket.take(now: 1_000) == nil)
        #expect(bucket.take(now: 1_000) == 1)
        #expect(bucket.take(now: 1_500) == nil)
        #expect(bucket.take(now: 1_500) == 1)
        #expect(bucket.take(now: 60_000) == nil)
        #expect(bucket.take(now: 60_000) == nil)
        #expect(bucket.take(now: 60_000) == 1, "no more than a second's worth is saved")
    }

    @Test func `a delay is drawn from its range`() {
        var rule = Rule(host: GlobPattern("*"))
        rule.answer.delayMilliseconds = 10...12
        var book = RuleBook()
        book.replace(with: [rule])
        let delays = (0..<100).map { _ in
            book.decide(host: "h", path: "/", nowMilliseconds: 0).delayMilliseconds
        }
        #expect(Set(delays) == [10, 11, 12])
    }
}

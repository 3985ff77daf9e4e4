import Foundation
import Logging
import Testing

@testable import trunkline

/// One message is one line, whatever is in it.
@Suite struct LogLineTests {
    private static func line(
        _ message: String, level: Logger.Level = .info, _ metadata: Logger.Metadata = [:]
    ) -> LogLine {
        LogLine(
            time: "2026-11-21T03:05:07.123Z", level: level.rawValue, message: message,
            metadata: metadata)
    }

    @Test func `text has time, level, message and pairs in order`() {
        let line = Self.line("ready", ["workers": "2", "host": "a.example", "why": "as asked"])
        #expect(
            line.text == "2026-11-21T03:05:07.123Z info  ready host=a.example why=\"as asked\" "
                + "workers=2\n")
        #expect(Self.line("x", level: .critical).text == "2026-11-21T03:05:07.123Z critical x\n")
    }

    @Test func `text of others makes no lines of its own`() {
        let line = Self.line("a\nb\u{1B}[2J", ["k": "c\r\nd e\""])
        #expect(line.text.count { $0.isNewline } == 1)
        #expect(!line.text.contains("\u{1B}"))
        #expect(line.text.hasSuffix(#"a\nb\u{1B}[2J k="c\r\nd e\"""# + "\n"))
    }

    @Test(arguments: [
        "plain", "\"quoted\" and \\", "line\nbreak\r\ttab", "\u{0}\u{1F}\u{7F}", "\u{2028}\u{2029}",
        "ünïcödé 🚂", "",
    ])
    func `JSON gives back what was logged, on one line`(text: String) throws {
        let line = Self.line(text, ["key": "\(text)"]).json
        #expect(line.count { $0.isNewline } == 1 && line.hasSuffix("}\n"))
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        let members = try #require(value as? [String: String])
        #expect(
            members == [
                "time": "2026-11-21T03:05:07.123Z", "level": "info", "message": text, "key": text,
            ])
    }

    @Test func `JSON keeps numbers, lists and its own members`() {
        let line = Self.line(
            "m",
            [
                "count": .stringConvertible(3), "on": .stringConvertible(true),
                "list": ["a", ["b": "c"]], "level": "mine",
            ])
        #expect(
            line.json == #"{"time":"2026-11-21T03:05:07.123Z","level":"info","message":"m","#
                + #""count":3,"level_":"mine","list":["a",{"b":"c"}],"on":true}"# + "\n")
    }

    @Test func `the time is UTC with milliseconds`() {
        #expect(timestamp(timespec(tv_sec: 0, tv_nsec: 9_999_999)) == "1970-01-01T00:00:00.009Z")
        #expect(
            timestamp(timespec(tv_sec: 1_798_675_199, tv_nsec: 0)) == "2026-12-30T23:59:59.000Z")
    }
}

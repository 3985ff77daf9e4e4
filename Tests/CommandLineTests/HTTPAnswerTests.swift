import Testing

@testable import trunkline

/// Answers of our own servers, however the network cuts them.
@Suite struct HTTPAnswerTests {
    private static let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nab\r\nc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    private static let measured = "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc"

    private struct Received {
        var answer = HTTPAnswer()
        var body: [UInt8] = []
        var isHTTP = true

        init(_ text: String, by size: Int) {
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty, isHTTP {
                var body = self.body
                isHTTP = answer.take(rest.prefix(size)) { body += $0 }
                self.body = body
                rest = rest.dropFirst(size)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 7, 1_000])
    func `the body comes out of its chunks`(size: Int) {
        let chunked = Received(Self.chunked, by: size)
        #expect(String(decoding: chunked.body, as: UTF8.self) == "ab\r\nc0123456789abcdef")
        #expect(chunked.answer.status == 200 && chunked.answer.isWhole)
        let measured = Received(Self.measured, by: size)
        #expect(String(decoding: measured.body, as: UTF8.self) == "abc")
        #expect(measured.answer.status == 404 && measured.answer.isWhole)
    }

    @Test func `what is cut off is not whole`() {
        for cut in 3...20 {
            let answer = Received(Self.cut(Self.chunked, cut), by: 64).answer
            #expect(!answer.isWhole, "\(cut)")
        }
        #expect(!Received(Self.cut(Self.measured, 1), by: 9).answer.isWhole)
    }

    @Test func `what is no HTTP is refused`() {
        #expect(!Received("hello\r\n\r\n", by: 64).isHTTP)
        #expect(!Received(Self.chunked.replacing("10\r\n", with: "xy\r\n"), by: 64).isHTTP)
    }

    /// By bytes: `\r\n` is one character.
    private static func cut(_ text: String, _ count: Int) -> String {
        String(decoding: text.utf8.dropLast(count), as: UTF8.self)
    }
}

import DeliveryCore
import Glibc
import Testing

@testable import Transport

struct RequestOnTheWireTests {
    @Test func `the request has these lines in this order and no others`() throws {
        let bench = Bench()
        var seen: ReceivedRequest?
        let server = LoopServer(bench.loop) { connection in
            guard let request = connection.takeRequest() else { return }
            seen = request
            connection.send(Bench.accepted)
        }
        let report = try bench.report(
            "http://h1.fedi.localhost:\(server.port)/users/@ann/inbox",
            body: RequestBody("{1}".utf8))
        let request = try #require(seen)
        #expect(report.status == 202)
        #expect(
            request.head == [
                "POST /users/@ann/inbox HTTP/1.1",
                "Host: h1.fedi.localhost:\(server.port)",
                "User-Agent: Trunkline/1.0 (+https://us.example/)",
                "Date: Wed, 02 Sep 2026 09:05:07 GMT",
                "Digest: SHA-256=abc",
                "Content-Type: application/activity+json",
                "Signature: keyId=\"https://a/b\"",
                "Content-Length: 3",
            ])
        #expect(request.body == Array("{1}".utf8))
    }

    @Test(arguments: [
        "/inbox", "/", "/a/../b/./c", "/%40ann/%2e%2E/x", "/@ann;x=1/inbox?a=b&c=%20?d", "/inbox?",
        "//double//slash", "/a+b'(c)*!,$[]|^`{}\"<>\\",
    ])
    func `the request line has the target that was parsed, byte for byte`(target: String) throws {
        let bench = Bench()
        var seen: ReceivedRequest?
        let server = LoopServer(bench.loop) { connection in
            guard let request = connection.takeRequest() else { return }
            seen = request
            connection.send(Bench.accepted)
        }
        let inbox = try InboxURL.parse("http://h1.fedi.localhost:\(server.port)\(target)#part")
        #expect(inbox.requestTarget == target)
        let report = try bench.report(inbox.url)
        #expect(report.status == 202)
        #expect(try #require(seen).target == target)
        #expect(seen?.value("Host") == inbox.authority)
    }

    @Test func `bytes outside ASCII are signed as they are sent`() throws {
        let bench = Bench()
        var seen: ReceivedRequest?
        let server = LoopServer(bench.loop) { connection in
            guard let request = connection.takeRequest() else { return }
            seen = request
            connection.send(Bench.accepted)
        }
        let inbox = try InboxURL.parse("http://h1.fedi.localhost:\(server.port)/ünïcode?q=ß")
        _ = try bench.report(inbox.url)
        #expect(try #require(seen).target == inbox.requestTarget)
        #expect(inbox.requestTarget.lowercased() == "/%c3%bcn%c3%afcode?q=%c3%9f")
    }

    @Test(arguments: [
        "X: a\r\nInjected: b", "X: a\nInjected: b", "X: a\r", "X: a\u{0}b", "X", "X:", "X: ",
        ": a", "",
    ])
    func `a line that could smuggle another one in is never sent`(line: String) throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { _ in }
        let report = try bench.report(
            "http://h1.fedi.localhost:\(server.port)/inbox", headers: Bench.headers + [line])
        #expect(report.failure == .notSent)
        #expect(server.accepted == 0)
    }

    @Test func `header lines arrive in order, however many and long, and those before do not stay`()
        throws
    {
        let bench = Bench()
        var seen: ReceivedRequest?
        let server = LoopServer(bench.loop) { connection in
            guard let request = connection.takeRequest() else { return }
            seen = request
            connection.send(Bench.accepted)
        }
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        // Without it libcurl would send one of its own.
        let type = "Content-Type: application/activity+json"
        let long = (0..<30).map { "X-\($0): " + String(repeating: "v", count: 10 * $0 + 1) }
        for lines in [Bench.headers, long + [type], [type, "X-Last: 1"]] {
            _ = try bench.report(url, headers: lines)
            // Behind request line, Host and User-Agent, and before Content-Length.
            #expect(try Array(#require(seen).head.dropFirst(3).dropLast()) == lines)
        }
    }

    @Test func `destinations share what libcurl knows of a name only where the port is the same`() {
        var table = DestinationTable()
        func find(_ scheme: String, _ authority: String) -> Destination? {
            table.destination(url: "\(scheme)://\(authority)/inbox", authority: authority)
        }
        let secure = find("https", "h.example")
        #expect(secure != nil)
        #expect(find("https", "h.example") === secure)
        #expect(find("http", "h.example")?.seed !== secure?.seed)
        #expect(find("http", "h.example:443")?.seed === secure?.seed)
        #expect(find("https", "h.example:99999") == nil)
        #expect(find("https", "") == nil)
    }

    @Test(arguments: [
        "http://other.localhost/inbox", "https://h1.fedi.localhost", "ftp://h1.fedi.localhost/",
    ])
    func `a URL of another host than the one named is never sent`(url: String) throws {
        let bench = Bench()
        var report: TransferReport?
        let request = TransferRequest(
            token: 7, url: url, host: "h1.fedi.localhost", headers: HeaderLines(),
            body: RequestBody([]))
        bench.transport.send(request) { report = $0 }
        #expect(report == nil, "a completion never runs inside send")
        bench.turn(until: { report != nil })
        #expect(report?.failure == .notSent)
        #expect(report?.token == 7)
    }

    @Test func `a body of a megabyte and an empty one arrive whole`() throws {
        let bench = Bench()
        var bodies: [[UInt8]] = []
        let server = LoopServer(bench.loop) { connection in
            guard let request = connection.takeRequest() else { return }
            bodies.append(request.body)
            connection.send(Bench.accepted)
        }
        let large = (0..<1_100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        for body in [large, []] {
            #expect(try bench.report(url, body: RequestBody(body)).status == 202)
        }
        #expect(bodies == [large, []])
    }

    @Test func `the proxy of the environment is not used`() throws {
        // Set for this process only; a proxy would be asked for an absolute URL on this port.
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        defer { unsetenv("http_proxy") }
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        #expect(try bench.report("http://127.0.0.1:\(server.port)/inbox").status == 202)
    }
}

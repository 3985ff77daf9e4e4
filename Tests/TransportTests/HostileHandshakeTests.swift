import DeliveryCore
import EventLoop
import Testing

@testable import Transport

/// TLS as it should not be: each ends, and says which end it was.
struct HostileHandshakeTests {
    private func bench(_ adjust: (inout TransportConfiguration) -> Void = { _ in }) -> Bench {
        Bench {
            $0.caFile = TLSServers.shared.authority
            $0.connectTimeout = .seconds(5)
            adjust(&$0)
        }
    }

    private func accept(_ connection: SecureConnection) {
        while connection.takeRequest() != nil { connection.send(Bench.accepted) }
    }

    @Test func `the test's own TLS is TLS`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop, handler: accept)
        for reused in [false, true] {
            let report = try bench.report(server.url)
            #expect(report.status == 202, "\(report.exchange)")
            #expect(report.reused == reused)
        }
    }

    @Test(arguments: [
        ("chained", nil), ("toolong", TransportFailure.certificateInvalid),
        ("unissued", .certificateInvalid), ("missing", .certificateInvalid),
        ("clientonly", .certificateInvalid), ("weak", .certificateInvalid),
        ("huge", .tlsFailed),
    ])
    func `a chain is judged whole, and has an end`(
        certificate: String, failure: TransportFailure?
    ) throws {
        let bench = bench()
        let server = SecureServer(bench.loop, certificate: certificate, handler: accept)
        let report = try bench.report(server.url)
        #expect(report.failure == failure, "\(report.exchange)")
        #expect(report.status == (failure == nil ? 202 : nil))
        #expect(report.duration < .seconds(3))
    }

    /// Of the about 1,500 bytes that a server says in TLS 1.3, and 1,200 in TLS 1.2, before it has
    /// heard a request.
    @Test(arguments: [SecureServer.Version.tls12, .tls13])
    func `a handshake that is cut short anywhere is a failure of TLS`(
        version: SecureServer.Version
    ) throws {
        let bench = bench()
        for length in [0, 1, 4, 5, 6, 60, 127, 200, 500] {
            let server = SecureServer(
                bench.loop, version: version, wire: .cut(after: length), handler: accept)
            let report = try bench.report(server.url)
            #expect(report.failure == .tlsFailed, "\(length): \(report.exchange)")
            #expect(report.duration < .seconds(3))
        }
    }

    @Test(arguments: [SecureServer.Version.tls12, .tls13])
    func `a handshake with a wrong bit anywhere is a failure of TLS or of the certificate`(
        version: SecureServer.Version
    ) throws {
        let bench = bench()
        for place in [0, 1, 3, 5, 9, 50, 76, 100, 150, 300, 500] {
            let server = SecureServer(
                bench.loop, version: version, wire: .corrupt(at: place), handler: accept)
            let report = try bench.report(server.url)
            let isTLS = report.failure == .tlsFailed || report.failure == .certificateInvalid
            // A length that claims more than comes is waited for.
            #expect(
                isTLS || report.failure == .connectTimedOut, "\(place): \(report.exchange)")
        }
    }

    @Test func `a handshake of a byte now and then ends with the connect timeout`() throws {
        let bench = bench { $0.connectTimeout = .milliseconds(400) }
        let server = SecureServer(bench.loop, wire: .drip(.milliseconds(5)), handler: accept)
        let report = try bench.report(server.url)
        #expect(report.failure == .connectTimedOut, "\(report.exchange)")
        #expect(report.duration >= .milliseconds(395))
        #expect(report.duration < .seconds(3))
    }

    /// Servers that leave out close_notify are many, and the status stood before the end.
    @Test func `an answer that ends without TLS's own end is an answer`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\n\r\nthe beginning of")
            connection.cut()
        }
        let report = try bench.report(server.url)
        #expect(report.answer?.excerpt == Array("the beginning of".utf8), "\(report.exchange)")
    }

    @Test func `a length that TLS cuts short is a lost connection`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nthe beginning of")
            connection.end()
        }
        let report = try bench.report(server.url)
        #expect(report.failure == .connectionLost, "\(report.exchange)")
    }

    @Test func `an answer that ends with TLS's end is whole`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\n\r\nall of it")
            connection.end()
        }
        let report = try bench.report(server.url)
        #expect(report.answer?.excerpt == Array("all of it".utf8), "\(report.exchange)")
    }

    /// A new handshake would cost us a signature check for every byte or two of theirs.
    @Test func `a server may not have the handshake made anew`() throws {
        let bench = bench()
        var asked = false
        var isAnew = false
        let server = SecureServer(bench.loop, version: .tls12) { connection in
            guard connection.hasRequest else { return }
            if asked {
                isAnew = isAnew || !connection.isRenegotiationPending
                if isAnew || connection.isBroken { connection.cut() }
            } else {
                asked = true
                connection.askToRenegotiate()
            }
        }
        let report = try bench.report(server.url)
        #expect(asked && !isAnew)
        #expect(report.failure == .connectionLost, "\(report.exchange)")
    }

    @Test func `key changes without end have one`() throws {
        let bench = bench { $0.totalTimeout = .seconds(5) }
        var changes = 0
        let server = SecureServer(bench.loop) { connection in
            guard connection.hasRequest, changes == 0 else { return }
            while changes < 20_000, !connection.isClosed {
                connection.updateKeys()
                changes += 1
            }
        }
        let report = try bench.report(server.url)
        // By their number or by their time, whichever is seen first.
        let ends: [TransportFailure] = [.malformedAnswer, .timedOut]
        #expect(report.failure.map { ends.contains($0) } == true, "\(report.exchange)")
    }

    @Test func `no other protocol than HTTP 1_1 is offered`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop, handler: accept)
        #expect(try bench.report(server.url).status == 202)
        let offered = server.offered.map { String(decoding: $0, as: UTF8.self) } ?? ""
        #expect(!offered.contains("h2"), "\(offered)")
    }

    /// libcurl of Debian can HTTP/2, and believes a server that chooses it unasked.
    @Test func `HTTP 2 that was not offered is refused`() throws {
        let bench = bench()
        let server = SecureServer(bench.loop, chosen: "h2") { connection in
            // SETTINGS, and GOAWAY for whatever comes.
            connection.send("\0\0\0\u{4}\0\0\0\0\0")
            connection.send("\0\0\u{8}\u{7}\0\0\0\0\0\0\0\0\0\0\0\0\u{2}")
        }
        let report = try bench.report(server.url)
        #expect(report.failure == .tlsFailed, "\(report.exchange)")
    }
}

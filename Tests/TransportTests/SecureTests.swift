import DeliveryCore
import EventLoop
import Foundation
import Glibc
import Testing

@testable import Transport

struct SecureTests {
    private func bench(_ adjust: (inout TransportConfiguration) -> Void = { _ in }) -> Bench {
        Bench {
            $0.caFile = TLSServers.shared.authority
            $0.connectTimeout = .seconds(10)
            adjust(&$0)
        }
    }

    private func url(_ server: String, host: String = "h1.fedi.localhost") -> String {
        "https://\(host):\(TLSServers.shared.port(server))/inbox"
    }

    @Test func `requests to one host share one TLS connection`() throws {
        let bench = bench()
        for number in 1...5 {
            let report = try bench.report(url("good"))
            #expect(report.answer == Answer(status: 202, excerpt: Array("TLSv1.3 \(number)".utf8)))
            #expect(report.reused == (number > 1))
        }
    }

    @Test func `a host that is connected to again resumes its session, and no other's`() throws {
        let bench = bench()
        for (host, expected) in [
            ("h1", "TLSv1.3 1"), ("h2", "TLSv1.3 1"), ("h1", "TLSv1.3 1 resumed"),
            ("h2", "TLSv1.3 1 resumed"), ("h1", "TLSv1.3 1 resumed"),
        ] {
            let report = try bench.report(url("closing", host: "\(host).fedi.localhost"))
            #expect(report.answer?.excerpt.text == expected)
            #expect(!report.reused)
        }
    }

    /// libcurl takes them for alive, and a handle of its bears five such mistakes in its life.
    @Test func `connections that servers close with a last word are replaced without a failure`()
        throws
    {
        let bench = bench()
        var last: SecureConnection?
        let server = SecureServer(bench.loop) { connection in
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
            last = connection
        }
        for number in 1...20 {
            let report = try bench.report(server.url)
            #expect(report.status == 202, "request \(number): \(report.exchange)")
            last?.end()
        }
    }

    @Test func `a host that cannot resume is not asked to a second time`() throws {
        let bench = bench()
        #expect(try bench.report(url("fickle")).answer?.excerpt.text == "TLSv1.3 1")
        #expect(try bench.report(url("fickle")).failure == .connectionLost)
        #expect(try bench.report(url("fickle")).answer?.excerpt.text == "TLSv1.3 1")
    }

    @Test func `of many hosts those connected to last resume their sessions`() throws {
        let bench = bench { $0.sessionLimit = 2 }
        func excerpt(_ host: Int) throws -> String? {
            try bench.report(url("closing", host: "h\(host).fedi.localhost")).answer?.excerpt.text
        }
        for host in 1...5 { #expect(try excerpt(host) == "TLSv1.3 1") }
        for host in 3...5 { #expect(try excerpt(host) == "TLSv1.3 1 resumed") }
        #expect(try excerpt(1) == "TLSv1.3 1")
    }

    @Test func `a body of many TLS records is sent to its end`() throws {
        let body = RequestBody([UInt8](repeating: 0x7B, count: 300_000))
        #expect(try bench().report(url("good"), body: body).status == 202)
    }

    @Test func `TLS 1.2 is spoken, and nothing older`() throws {
        let bench = bench()
        #expect(try bench.report(url("newer")).answer?.excerpt == Array("TLSv1.2 1".utf8))
        let old = try bench.report(url("old"))
        #expect(old.failure == .tlsFailed, "\(old.exchange)")
    }

    @Test(arguments: ["misnamed", "expired", "unknown", "selfsigned"])
    func `a certificate that proves nothing is refused`(server: String) throws {
        let report = try bench().report(url(server))
        #expect(report.failure == .certificateInvalid, "\(report.exchange)")
    }

    @Test func `a wildcard covers one label`() throws {
        let report = try bench().report(url("good", host: "a.h1.fedi.localhost"))
        #expect(report.failure == .certificateInvalid, "\(report.exchange)")
    }

    @Test func `without our authority the system's do not vouch for it`() throws {
        let report = try bench { $0.caFile = nil }.report(url("good"))
        #expect(report.failure == .certificateInvalid, "\(report.exchange)")
    }

    @Test func `new connections are judged by the authorities that the file holds now`() throws {
        let manager = FileManager.default
        let directory = TLSServers.shared.directory
        let file = "\(directory)/\(UUID().uuidString).pem"
        try manager.copyItem(atPath: TLSServers.shared.authority, toPath: file)
        let bench = bench {
            $0.caFile = file
            $0.caFileCheckInterval = .zero
            $0.shardCount = 1
        }
        #expect(try bench.report(url("good")).status == 202)
        #expect(try bench.report(url("closing")).status == 202)
        #expect(try bench.report(url("unknown")).failure == .certificateInvalid)
        try manager.removeItem(atPath: file)
        try manager.copyItem(atPath: directory + "/stranger.pem", toPath: file)
        #expect(try bench.report(url("unknown")).status == 202)
        #expect(try bench.report(url("closing")).failure == .certificateInvalid)
        #expect(try bench.report(url("good")).reused, "a connection that stands is kept")
    }

    @Test func `authorities that cannot be read make no transport`() throws {
        var configuration = TransportConfiguration(instanceDomain: "us.example", version: "1.0")
        configuration.caFile = "/nonexistent.pem"
        let error = #expect(throws: UnusableAuthorities.self) {
            try Transport(loop: EventLoop(), configuration: configuration, onFlaw: { _ in })
        }
        #expect(
            error?.description
                == "/nonexistent.pem cannot be read as PEM certificates of authorities: "
                + "No such file or directory")
    }

    /// Left to itself libcurl parses all authorities once a shard, or with its defaults on Debian
    /// for every connection: 26 ms of CPU instead of 1.4 (facts/costs.md, section 2.4). The limit
    /// leaves room for a debug build under load.
    @Test func `no connection of any shard parses the system's authorities again`() throws {
        let bench = bench { $0.caFile = TLSServers.shared.directory + "/bundle.pem" }
        #expect(try bench.report(url("closing")).status == 202)
        let before = threadCPU()
        for number in 0..<40 {
            let report = try bench.report(url("closing", host: "h\(number).fedi.localhost"))
            #expect(report.connectCount == 1)
        }
        let each = (threadCPU() - before) / 40
        #expect(each < .milliseconds(10), "\(each) of CPU for a connection")
    }

    private func threadCPU() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

import DeliveryCore
import EventLoop
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

    @Test func `an authority file that cannot be read is our fault`() throws {
        let report = try bench { $0.caFile = "/nonexistent.pem" }.report(url("good"))
        #expect(report.failure == .notSent, "\(report.exchange)")
    }

    /// Trap 1 of facts/costs.md: with libcurl's defaults on Debian every new connection parses all
    /// authorities again, 31 ms of CPU instead of 1.4. The limit leaves room for a debug build under
    /// load.
    @Test func `a new connection does not parse the system's authorities again`() throws {
        let bench = bench {
            $0.caFile = TLSServers.shared.directory + "/bundle.pem"
            $0.shardCount = 1
        }
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

import DeliveryCore
import Testing

@testable import Transport

/// The rule for HTTP/2, as a trace.
struct HostConnectionsTests {
    private let now = Instant(nanoseconds: 0)

    /// Begins a transfer the way the rule says.
    private func begin(
        _ host: inout HostConnections, _ use: HTTP2Use = .auto
    ) -> HostConnections.Way {
        let way = host.way(use, now: now)
        host.began(way)
        return way
    }

    @Test func `one transfer at a time never shares`() {
        var host = HostConnections()
        for number in 0..<100 {
            #expect(begin(&host) == .own)
            if number == 0 { host.opened(isShared: false) }
            host.ended(.own, isSettled: true)
        }
    }

    @Test func `the second at once finds out, the others wait, and join`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        host.opened(isShared: false)
        #expect(begin(&host) == .opening)
        host.opened(isShared: true)
        #expect(begin(&host) == .waiting)
        #expect(begin(&host) == .waiting)
        host.agreed(onHTTP2: true, now: now)
        #expect(begin(&host) == .joining)
        host.ended(.own, isSettled: true)
        #expect(begin(&host) == .own, "a connection that is idle is used first")
        #expect(begin(&host) == .joining)
        #expect(host.streams == 3)
    }

    @Test func `a server that does not speak it is left alone for an hour`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        #expect(begin(&host) == .opening)
        host.opened(isShared: true)
        host.agreed(onHTTP2: false, now: now)
        #expect(begin(&host) == .own)
        #expect(host.way(.auto, now: now + HostConnections.refusal) == .opening)
    }

    @Test func `an opening that failed leaves nothing behind`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        #expect(begin(&host) == .opening)
        #expect(begin(&host) == .waiting)
        host.ended(.opening, isSettled: false)
        #expect(begin(&host) == .opening)
    }

    @Test func `a connection that has gone is opened anew`() {
        var host = HostConnections()
        #expect(begin(&host, .always) == .opening)
        host.opened(isShared: true)
        host.agreed(onHTTP2: true, now: now)
        host.ended(.opening, isSettled: true)
        #expect(begin(&host, .always) == .joining)
        host.ended(.joining, isSettled: true)
        host.closed(isShared: true)
        #expect(begin(&host, .always) == .opening)
    }

    @Test func `streams that have cost a connection give the host one`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        host.opened(isShared: false)
        #expect(begin(&host) == .opening)
        host.opened(isShared: true)
        host.agreed(onHTTP2: true, now: now)
        host.ended(.opening, isSettled: true)
        for _ in 1..<HostConnections.streamsForOne {
            #expect(begin(&host) == .joining)
            host.ended(.joining, isSettled: true)
        }
        #expect(begin(&host) == .own)
        host.opened(isShared: false)
        #expect(begin(&host) == .joining)
        // What it has paid for is forgotten when it starts from none.
        host.ended(.own, isSettled: true)
        host.ended(.own, isSettled: true)
        host.closed(isShared: false)
        host.closed(isShared: false)
        #expect(begin(&host) == .own)
        host.opened(isShared: false)
        #expect(begin(&host) == .joining)
    }

    @Test func `off is off`() {
        var host = HostConnections()
        for _ in 0..<5 { #expect(begin(&host, .off) == .own) }
    }
}

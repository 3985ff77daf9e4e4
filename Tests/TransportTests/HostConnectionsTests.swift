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

    @Test func `where a stream failed, the next ones go by HTTP 1_1 for an hour`() {
        var host = HostConnections()
        #expect(begin(&host, .always) == .opening)
        host.opened(isShared: true)
        host.agreed(onHTTP2: true, now: now)
        host.failed(isReady: true, now: now)
        // Which one that found no room shortens by nothing.
        host.crowded(now: now)
        #expect(begin(&host, .always) == .own)
        // Another stream that began before.
        host.agreed(onHTTP2: true, now: now)
        #expect(begin(&host, .always) == .own)
        host.ended(.opening, isSettled: true)
        #expect(host.way(.always, now: now + .seconds(3_599)) == .own)
        #expect(host.way(.always, now: now + HostConnections.refusal) == .opening)
    }

    @Test func `where no connection was made, or streams found no room, for a minute`() {
        var host = HostConnections()
        #expect(begin(&host, .always) == .opening)
        host.ended(.opening, isSettled: false)
        host.failed(isReady: false, now: now)
        #expect(host.way(.always, now: now + .seconds(59)) == .own)
        #expect(host.way(.always, now: now + .seconds(60)) == .opening)
        host.crowded(now: now + .seconds(60))
        #expect(host.way(.always, now: now + .seconds(119)) == .own)
        #expect(host.way(.always, now: now + .seconds(120)) == .opening)
    }

    @Test func `a trickle with a burst now and then never pays for more than it has`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        host.opened(isShared: false)
        for burst in 0..<100 {
            var ways: [HostConnections.Way] = []
            for _ in 0..<4 {
                let way = begin(&host)
                ways.append(way)
                switch way {
                case .own: host.opened(isShared: false)
                case .opening:
                    if host.sharedConnections == 0 { host.opened(isShared: true) }
                    host.agreed(onHTTP2: true, now: now)
                case .joining, .waiting: break
                }
            }
            for way in ways { host.ended(way, isSettled: true) }
            // The server closes all but the one that is used all the time.
            while host.own > 1 { host.closed(isShared: false) }
            #expect(ways.count { $0 == .own } <= 1, "burst \(burst)")
        }
    }

    @Test func `an opening that failed leaves nothing behind`() {
        var host = HostConnections()
        #expect(begin(&host) == .own)
        #expect(begin(&host) == .opening)
        #expect(begin(&host) == .waiting)
        host.ended(.opening, isSettled: false)
        #expect(begin(&host) == .opening)
    }

    @Test func `on a connection that nobody used the first finds out whether it still stands`() {
        var host = HostConnections()
        #expect(begin(&host, .always) == .opening)
        host.opened(isShared: true)
        host.agreed(onHTTP2: true, now: now)
        #expect(begin(&host, .always) == .joining)
        host.ended(.opening, isSettled: true)
        host.ended(.joining, isSettled: true)
        #expect(begin(&host, .always) == .opening)
        #expect(begin(&host, .always) == .waiting)
        host.agreed(onHTTP2: true, now: now)
        #expect(begin(&host, .always) == .joining)
        host.ended(.opening, isSettled: true)
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
        for _ in 0..<HostConnections.streamsForOne {
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

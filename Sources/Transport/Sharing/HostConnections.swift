/// How the transfers to one host share connections: the rule for HTTP/2, and what it goes by.
///
/// A pure value. A connection of HTTP/1.1 carries one transfer at a time; what goes beyond the first
/// of them shares one connection of HTTP/2, if the server speaks it. A stream costs some 40 us of CPU
/// more than an exchange of HTTP/1.1, and opening a connection 490 to 850: so a host whose streams
/// have cost what a connection costs is given another one of HTTP/1.1. What comes rarely shares, what
/// comes again and again does not, and neither costs twice what the better choice would have. The
/// figures stand in benchmarks/README.md, http2.

internal import DeliveryCore

struct HostConnections: Equatable {
    /// How a transfer is to go.
    enum Way {
        /// HTTP/1.1, on a connection that it has for itself.
        case own
        /// HTTP/2 is offered on a new connection; this transfer finds out whether it is spoken.
        case opening
        /// HTTP/2, on the connection that stands.
        case joining
        /// Until the one that is opening knows.
        case waiting
    }

    private enum Shared: Equatable {
        case none
        case opening
        case open
        /// The server does not speak it, or not for as many at once as there are.
        case refused(until: Instant)
    }

    /// Connections of HTTP/1.1 that a host is given before its transfers share one.
    static let ownLimit = 1
    /// How many streams a host pays another one with.
    static let streamsForOne = 16
    /// How long a server that does not speak it, or with which streams fail, is not asked again; in
    /// between it may have been mended.
    static let refusal: Duration = .seconds(3_600)
    /// The same for what may be over sooner: too many streams at once, or no connection at all.
    static let respite: Duration = .seconds(60)

    /// Connections of HTTP/1.1, and the transfers that have one, or will.
    private(set) var own = 0
    private(set) var ownTransfers = 0
    /// Of HTTP/2.
    private(set) var sharedConnections = 0
    private(set) var streams = 0
    /// Streams that ended since the host had no connection of HTTP/1.1.
    private var carried = 0
    private var shared = Shared.none

    /// The rule. What takes the way it says is to be told by `began`, unless it waits.
    func way(_ use: HTTP2Use, now: Instant) -> Way {
        switch use {
        case .off: return .own
        case .auto:
            if ownTransfers < max(own, Self.ownLimit + carried / Self.streamsForOne) {
                return .own
            }
        case .always: break
        }
        switch shared {
        case .refused(let end) where now < end: return .own
        case .none, .refused: return .opening
        case .opening: return .waiting
        // The server may have closed one that nobody uses, which libcurl notices with the next
        // transfer: that one finds out.
        case .open: return sharedConnections > 0 && streams > 0 ? .joining : .opening
        }
    }

    mutating func began(_ way: Way) {
        switch way {
        case .own: ownTransfers += 1
        case .opening:
            streams += 1
            shared = .opening
        case .joining: streams += 1
        case .waiting: break
        }
    }

    /// - Parameter isSettled: whether it is known what the server speaks.
    mutating func ended(_ way: Way, isSettled: Bool) {
        switch way {
        case .own: ownTransfers -= 1
        case .opening:
            streams -= 1
            carried += 1
            if !isSettled, shared == .opening { shared = .none }
        case .joining:
            streams -= 1
            carried += 1
        case .waiting: break
        }
    }

    /// TLS stands, and ALPN has chosen; said of each stream.
    mutating func agreed(onHTTP2: Bool, now: Instant) {
        guard onHTTP2 else { return refuse(until: now + Self.refusal) }
        // What began before another one failed takes nothing back.
        if case .refused = shared { return }
        shared = .open
    }

    /// The server lets fewer share the connection than there are.
    mutating func crowded(now: Instant) { refuse(until: now + Self.respite) }

    /// A stream failed. Whatever it was, the next transfers go by HTTP/1.1: libcurl keeps a
    /// connection of HTTP/2 on which transfers time out, and there are servers that offer HTTP/2
    /// and cannot serve it.
    /// - Parameter isReady: whether its connection stood.
    mutating func failed(isReady: Bool, now: Instant) {
        refuse(until: now + (isReady ? Self.refusal : Self.respite))
    }

    private mutating func refuse(until end: Instant) {
        if case .refused(let later) = shared, later > end { return }
        shared = .refused(until: end)
    }

    mutating func opened(isShared: Bool) {
        if isShared {
            sharedConnections += 1
        } else {
            if own == 0 { carried = 0 }
            own += 1
        }
    }

    mutating func closed(isShared: Bool) {
        if isShared {
            sharedConnections -= 1
        } else {
            own -= 1
            // What was paid for is gone.
            carried = max(0, carried - Self.streamsForOne)
        }
    }
}

import EventLoop

/// A server of HTTP/2 that does what it is told, frame by frame; who does not offer HTTP/2 to it is
/// answered over HTTP/1.1.
///
/// Requests are not decoded: what counts is which streams have come to their end.
final class StreamServer {
    typealias Handler = (StreamConnection, UInt32) -> Void

    private var server: SecureServer?
    private var connections: [ObjectIdentifier: StreamConnection] = [:]
    /// All that have sent something.
    private(set) var secure: [SecureConnection] = []
    /// Requests that came to their end, over HTTP/2 and HTTP/1.1.
    private(set) var streams = 0
    private(set) var others = 0

    /// - Parameters:
    ///   - settings: of its SETTINGS, identifier and value.
    ///   - handler: runs when a request has come to its end.
    init(
        _ loop: EventLoop, certificate: String = "good", settings: [(UInt16, UInt32)] = [],
        wire: SecureServer.Wire = .whole, handler: @escaping Handler = { $0.answer($1) }
    ) {
        server = SecureServer(
            loop, certificate: certificate, chosen: "h2", isFair: true, wire: wire
        ) { [unowned self] secure in
            if !self.secure.contains(where: { $0 === secure }) { self.secure.append(secure) }
            guard secure.isHTTP2 else {
                while secure.takeRequest() != nil {
                    others += 1
                    secure.send(Bench.accepted)
                }
                return
            }
            let key = ObjectIdentifier(secure)
            let connection = connections[key] ?? StreamConnection(secure, settings)
            connections[key] = connection
            for stream in connection.takeRequests() {
                streams += 1
                handler(connection, stream)
            }
        }
    }

    var url: String { server!.url }
    var accepted: Int { server!.accepted }
    var all: [StreamConnection] { Array(connections.values) }
}

final class StreamConnection {
    enum Kind: UInt8 {
        case data, headers, priority, reset, settings, push, ping, goAway, window, continuation
        /// To be ignored (RFC 9113 section 4.1).
        case unknown = 0xEE
    }

    enum Flag {
        static let endStream: UInt8 = 1
        static let acknowledges: UInt8 = 1
        static let endHeaders: UInt8 = 4
    }

    private let secure: SecureConnection
    private var received: [UInt8] = []
    private var hasPreface = false
    /// Streams under way.
    private(set) var open: Set<UInt32> = []
    private(set) var mostOpen = 0

    init(_ secure: SecureConnection, _ settings: [(UInt16, UInt32)]) {
        self.secure = secure
        let pairs = settings.flatMap { id, value in Self.bytes(id) + Self.bytes(value) }
        send(.settings, 0, on: 0, pairs)
    }

    func answer(_ stream: UInt32, _ status: String = "202", body: [UInt8] = Array("ok".utf8)) {
        head(stream, status)
        send(.data, Flag.endStream, on: stream, body)
        open.remove(stream)
    }

    func head(_ stream: UInt32, _ status: String = "202") {
        // RFC 7541 section 6.2.2: a literal that is not indexed, its name the eighth of the table.
        send(.headers, Flag.endHeaders, on: stream, [8, 3] + Array(status.utf8))
    }

    /// A header field as a literal (RFC 7541), of less than 127 bytes each.
    static func field(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)]
            + Array(value.utf8)
    }

    func reset(_ stream: UInt32, _ error: UInt32) {
        send(.reset, 0, on: stream, Self.bytes(error))
        open.remove(stream)
    }

    /// Streams after `last` were not looked at.
    func goAway(last: UInt32, _ error: UInt32 = 0) {
        send(.goAway, 0, on: 0, Self.bytes(last) + Self.bytes(error))
    }

    func end() { secure.end() }
    func cut() { secure.cut() }
    var isClosed: Bool { secure.isClosed }

    func send(_ kind: Kind, _ flags: UInt8, on stream: UInt32, _ payload: [UInt8]) {
        var frame = Array(Self.bytes(UInt32(payload.count)).dropFirst())
        frame += [kind.rawValue, flags]
        frame += Self.bytes(stream)
        secure.send(frame + payload)
    }

    func sendRaw(_ text: String) { secure.send(text) }

    fileprivate func takeRequests() -> [UInt32] {
        received += secure.takeAll()
        if !hasPreface {
            guard received.count >= 24 else { return [] }
            received.removeFirst(24)
            hasPreface = true
        }
        var ended: [UInt32] = []
        while received.count >= 9 {
            let length = received[..<3].reduce(0) { $0 << 8 | Int($1) }
            guard received.count >= 9 + length else { break }
            let kind = Kind(rawValue: received[3])
            let flags = received[4]
            let stream = received[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
            received.removeFirst(9 + length)
            switch kind {
            case .headers, .data:
                open.insert(stream)
                mostOpen = max(mostOpen, open.count)
                if flags & Flag.endStream != 0 { ended.append(stream) }
            case .reset: open.remove(stream)
            case .settings where flags & Flag.acknowledges == 0:
                send(.settings, Flag.acknowledges, on: 0, [])
            default: break
            }
        }
        return ended
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }
}

import CCurl
import EventLoop
import Foundation

/// TLS spoken by the test itself over a ``LoopServer``: a server that does what no library's server
/// would do.
final class SecureServer {
    /// What becomes of the ciphertext on its way out.
    enum Wire {
        case whole
        /// So many bytes, and then the connection is closed.
        case cut(after: Int)
        /// One bit of this byte is wrong.
        case corrupt(at: Int)
        /// A byte at a time, with this pause after each.
        case drip(Duration)
    }

    enum Version: Int { case tls12 = 0x0303, tls13 = 0x0304 }

    private let context: OpaquePointer
    private var server: LoopServer?
    private var connections: [ObjectIdentifier: SecureConnection] = [:]
    /// Whether what is chosen must have been offered.
    private let isFair: Bool
    private let chosenProtocol: UnsafeMutableBufferPointer<UInt8>
    /// The list of ALPN as the last client wrote it; nil: it sent none.
    fileprivate(set) var offered: [UInt8]?

    /// - Parameters:
    ///   - certificate: one of those of `TLSServers`.
    ///   - chosen: the answer to ALPN.
    ///   - isFair: chosen only where it was offered.
    ///   - handler: runs when a request or more of one has come.
    init(
        _ loop: EventLoop, certificate: String = "good", version: Version = .tls13,
        chosen: String? = nil, isFair: Bool = false, wire: Wire = .whole,
        handler: @escaping (SecureConnection) -> Void
    ) {
        context = SSL_CTX_new(TLS_server_method())
        let file = "\(TLSServers.shared.directory)/\(certificate).pem"
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, version.rawValue, nil)
        // What is too weak for the client is for the client to see.
        SSL_CTX_set_security_level(context, 0)
        precondition(SSL_CTX_use_certificate_chain_file(context, file) == 1, "certificate \(file)")
        precondition(SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1, "key")
        self.isFair = isFair
        let name = Array((chosen ?? "").utf8)
        chosenProtocol = .allocate(capacity: name.count)
        _ = chosenProtocol.initialize(from: name)
        let this = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_alpn_select_cb(context, chooseProtocol, this)
        server = LoopServer(loop) { [unowned self] plain in
            let key = ObjectIdentifier(plain)
            let connection =
                connections[key] ?? SecureConnection(loop, plain, context, wire, handler)
            connections[key] = connection
            connection.pump()
            if connections.count > 8 { connections = connections.filter { !$0.value.isClosed } }
        }
    }

    deinit {
        server = nil
        connections.removeAll()
        SSL_CTX_free(context)
        chosenProtocol.deallocate()
    }

    var url: String { "https://h1.fedi.localhost:\(server!.port)/inbox" }
    var accepted: Int { server!.accepted }

    fileprivate func choose(
        _ list: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        offered = Array(list)
        let isOffered = list.contains(chosenProtocol)
        if chosenProtocol.isEmpty || isFair && !isOffered { return nil }
        return UnsafeBufferPointer(chosenProtocol)
    }
}

private let chooseProtocol: SSL_CTX_alpn_select_cb_func = {
    _, chosen, length, list, count, client in
    guard let client else { return SSL_TLSEXT_ERR_NOACK }
    let server = Unmanaged<SecureServer>.fromOpaque(client).takeUnretainedValue()
    let choice = server.choose(UnsafeBufferPointer(start: list, count: Int(count)))
    guard let choice, let start = choice.baseAddress else { return SSL_TLSEXT_ERR_NOACK }
    chosen?.pointee = start
    length?.pointee = UInt8(choice.count)
    return SSL_TLSEXT_ERR_OK
}

final class SecureConnection {
    private let loop: EventLoop
    private let plain: ServerConnection
    private let session: OpaquePointer
    private let wire: SecureServer.Wire
    private let handler: (SecureConnection) -> Void
    private(set) var received: [UInt8] = []
    /// The client's last words were an alert, or no TLS.
    private(set) var isBroken = false
    private var sent = 0
    private var dripping: [UInt8] = []
    private var dripTimer: LoopTimer?

    fileprivate init(
        _ loop: EventLoop, _ plain: ServerConnection, _ context: OpaquePointer,
        _ wire: SecureServer.Wire, _ handler: @escaping (SecureConnection) -> Void
    ) {
        self.loop = loop
        self.plain = plain
        self.wire = wire
        self.handler = handler
        session = SSL_new(context)
        SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
        SSL_set_accept_state(session)
    }

    deinit {
        dripTimer?.cancel()
        SSL_free(session)
    }

    var isClosed: Bool { plain.isClosed }

    /// Asked for, and not gone through.
    var isRenegotiationPending: Bool { SSL_renegotiate_pending(session) != 0 }

    var hasRequest: Bool { ReceivedRequest.parse(received) != nil }

    /// A complete request, taken out of what was received.
    func takeRequest() -> ReceivedRequest? {
        guard let (request, length) = ReceivedRequest.parse(received) else { return nil }
        received.removeFirst(length)
        return request
    }

    /// What was agreed on by ALPN.
    var isHTTP2: Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &length)
        return UnsafeBufferPointer(start: name, count: Int(length)).elementsEqual("h2".utf8)
    }

    var isResumed: Bool { SSL_session_reused(session) == 1 }

    /// All that was received and not taken.
    func takeAll() -> [UInt8] {
        defer { received.removeAll() }
        return received
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        SSL_write(session, bytes, Int32(bytes.count))
        flush()
    }

    /// Asks for a new handshake (TLS 1.2, HelloRequest).
    func askToRenegotiate() {
        SSL_renegotiate(session)
        SSL_do_handshake(session)
        flush()
    }

    /// Changes the keys, and asks the client to (TLS 1.3, KeyUpdate).
    func updateKeys() {
        SSL_key_update(session, SSL_KEY_UPDATE_REQUESTED)
        SSL_do_handshake(session)
        flush()
    }

    /// Without the alert that tells a whole answer from one cut short.
    func cut() { plain.end() }

    /// close_notify, and then the end.
    func end() {
        SSL_shutdown(session)
        flush()
        plain.end()
    }

    fileprivate func pump() {
        let bytes = plain.takeAll()
        if !bytes.isEmpty { BIO_write(SSL_get_rbio(session), bytes, Int32(bytes.count)) }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            ERR_clear_error()
            let count = SSL_read(session, &buffer, Int32(buffer.count))
            guard count > 0 else {
                isBroken = SSL_get_error(session, count) == SSL_ERROR_SSL
                break
            }
            received += buffer[..<Int(count)]
        }
        flush()
        if !received.isEmpty { handler(self) }
    }

    private func flush() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = BIO_read(SSL_get_wbio(session), &buffer, Int32(buffer.count))
            guard count > 0 else { break }
            pass(Array(buffer[..<Int(count)]))
        }
    }

    private func pass(_ bytes: [UInt8]) {
        guard !plain.isClosed else { return }
        defer { sent += bytes.count }
        switch wire {
        case .whole: plain.send(bytes)
        case .cut(let limit):
            plain.send(Array(bytes.prefix(max(limit - sent, 0))))
            if sent + bytes.count > limit { plain.end() }
        case .corrupt(let place):
            var bytes = bytes
            if bytes.indices.contains(place - sent) { bytes[place - sent] ^= 0x10 }
            plain.send(bytes)
        case .drip(let pause):
            let wasDry = dripping.isEmpty
            dripping += bytes
            if dripTimer == nil {
                drip(pause)
            } else if wasDry {
                dripTimer?.start(after: pause)
            }
        }
    }

    private func drip(_ pause: Duration) {
        dripTimer = loop.timer { [unowned self] in
            guard !dripping.isEmpty, !plain.isClosed else { return }
            plain.send([dripping.removeFirst()])
            dripTimer?.start(after: pause)
        }
        dripTimer?.start(after: pause)
    }
}

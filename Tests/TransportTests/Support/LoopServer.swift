import EventLoop
import Glibc

/// A TCP server on the test's own loop: real sockets, and a handler that says what goes wrong.
final class LoopServer {
    private let loop: EventLoop
    private let listener: Int32
    private var watch: DescriptorWatch?
    private let handler: (ServerConnection) -> Void
    /// The oldest of those that have ended go when there are many.
    private(set) var connections: [ServerConnection] = []
    private static let keptConnections = 256
    /// How many connections were accepted since the start.
    private(set) var accepted = 0
    let port: Int

    /// The handler runs whenever bytes came, and with `isClosed` set when the client has gone.
    init(
        _ loop: EventLoop, address: String = "127.0.0.1", port: Int = 0, backlog: Int32 = 2_048,
        handler: @escaping (ServerConnection) -> Void
    ) {
        self.loop = loop
        self.handler = handler
        (listener, self.port) = listeningSocket(address, port: port, backlog: backlog)
        watch = loop.watch(listener) { [unowned self] _ in accept() }
        watch?.update(.readable)
    }

    deinit {
        watch?.cancel()
        close(listener)
        for connection in connections { connection.end() }
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            accepted += 1
            if connections.count >= Self.keptConnections {
                connections.removeAll(where: \.isClosed)
            }
            connections.append(ServerConnection(loop, descriptor, handler))
        }
    }
}

final class ServerConnection {
    private let descriptor: Int32
    private var watch: DescriptorWatch?
    private let handler: (ServerConnection) -> Void
    private var outgoing: [UInt8] = []
    /// Called for more bytes whenever the last ones are gone: an answer without end.
    var source: (() -> [UInt8])?
    private(set) var received: [UInt8] = []
    private(set) var requests = 0
    private(set) var isClosed = false

    init(
        _ loop: EventLoop, _ descriptor: Int32, _ handler: @escaping (ServerConnection) -> Void
    ) {
        self.descriptor = descriptor
        self.handler = handler
        watch = loop.watch(descriptor) { [weak self] readiness in
            guard let self else { return }
            if readiness.contains(.readable) { self.read() }
            if !self.isClosed, readiness.contains(.writable) { self.write() }
        }
        watch?.update(.readable)
    }

    /// A complete request, taken out of what was received; nil while there is none.
    func takeRequest() -> ReceivedRequest? {
        guard let (request, length) = ReceivedRequest.parse(received) else { return nil }
        received.removeFirst(length)
        requests += 1
        return request
    }

    /// All that was received and not taken.
    func takeAll() -> [UInt8] {
        defer { received.removeAll() }
        return received
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        outgoing += bytes
        write()
    }

    /// Ends the connection in order, when everything is sent.
    func end() {
        guard !isClosed else { return }
        isClosed = true
        source = nil
        outgoing = []
        watch?.cancel()
        close(descriptor)
    }

    /// Ends it with RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        end()
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received += buffer[..<count]
                continue
            }
            if count < 0, errno == EAGAIN { break }
            end()
            break
        }
        handler(self)
    }

    private func write() {
        while !isClosed {
            if outgoing.isEmpty, let source { outgoing = source() }
            guard !outgoing.isEmpty else { break }
            let count = Glibc.send(descriptor, outgoing, outgoing.count, Int32(MSG_NOSIGNAL))
            if count < 0 {
                if errno != EAGAIN { end() }
                break
            }
            outgoing.removeFirst(count)
        }
        if !isClosed {
            watch?.update(outgoing.isEmpty && source == nil ? .readable : [.readable, .writable])
        }
    }
}

struct ReceivedRequest {
    /// The request line and the header lines, without line ends.
    var head: [String]
    var body: [UInt8]

    var target: String { head[0].split(separator: " ").map(String.init)[1] }

    func value(_ name: String) -> String? {
        head.dropFirst().first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    static func parse(_ bytes: [UInt8]) -> (ReceivedRequest, length: Int)? {
        let blank = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4,
            let end = (0...bytes.count - 4).first(where: { bytes[$0..<$0 + 4].elementsEqual(blank) }
            )
        else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
            .split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        var request = ReceivedRequest(head: head, body: [])
        let length = request.value("Content-Length").flatMap { Int($0) } ?? 0
        guard bytes.count >= end + 4 + length else { return nil }
        request.body = Array(bytes[(end + 4)..<(end + 4 + length)])
        return (request, end + 4 + length)
    }
}

func listeningSocket(_ address: String, port: Int, backlog: Int32) -> (Int32, Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, address, &name.sin_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            precondition(bind(descriptor, $0, size) == 0, "bind: errno \(errno)")
            precondition(listen(descriptor, backlog) == 0, "listen: errno \(errno)")
            getsockname(descriptor, $0, &size)
        }
    }
    return (descriptor, Int(UInt16(bigEndian: name.sin_port)))
}

/// A non-blocking connection that nobody waits for: fills a listen backlog.
func connectingSocket(_ port: Int) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
    withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    return descriptor
}

/// The descriptors of this process.
func openDescriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}

internal import Glibc

/// Asks a server of ours: the sink's control resources, a pool's metrics.
///
/// One connection a request. A NIO client would need a loop of its own for one question a second.
struct PlainHTTP: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    var host = "127.0.0.1"
    let port: Int

    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func get(_ path: String) throws(Failure) -> [UInt8] {
        var body: [UInt8] = []
        try ask("GET", path) { body += $0 }
        return body
    }

    func post(_ path: String) throws(Failure) { try ask("POST", path) { _ in } }

    func put(_ path: String, _ body: String) throws(Failure) {
        try ask("PUT", path, sending: body) { _ in }
    }

    /// Hands on the body line by line, without the line ends.
    func lines(of path: String, each: (ArraySlice<UInt8>) -> Void) throws(Failure) {
        var rest: [UInt8] = []
        try ask("GET", path) { bytes in
            rest += bytes
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                each(rest[start..<end])
                start = end + 1
            }
            rest.removeFirst(start)
        }
    }

    private func ask(
        _ method: String, _ path: String, sending body: String = "",
        _ take: (ArraySlice<UInt8>) -> Void
    ) throws(Failure) {
        let connection = try connect()
        defer { close(connection) }
        try send(
            "\(method) \(path) HTTP/1.1\r\nHost: \(authority)\r\nContent-Length: "
                + "\(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)", connection)
        var answer = HTTPAnswer()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(connection, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("reading \(path)") }
            if count == 0 { break }
            guard answer.take(buffer[..<count], body: take) else {
                throw Failure(description: "\(path): no HTTP answer")
            }
        }
        guard answer.status == 200 else {
            throw Failure(description: "\(path): status \(answer.status ?? 0)")
        }
        guard answer.isWhole else { throw Failure(description: "\(path): the answer is cut off") }
    }

    /// To the first of the name's addresses that takes it.
    private func connect() throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &found)
        guard status == 0 else {
            let reason = String(cString: gai_strerror(status))
            throw Failure(description: "looking \(host) up: \(reason)")
        }
        defer { freeaddrinfo(found) }
        var reason = Failure(description: "\(host) has no address")
        var next = found
        while let address = next?.pointee {
            do {
                return try connect(to: address)
            } catch {
                reason = error
            }
            next = address.ai_next
        }
        throw reason
    }

    private func connect(to address: addrinfo) throws(Failure) -> Int32 {
        let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { throw failure("socket") }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            let reason = failure("connecting to \(host) port \(port)")
            close(descriptor)
            throw reason
        }
        return descriptor
    }

    private func send(_ text: String, _ connection: Int32) throws(Failure) {
        let bytes = Array(text.utf8)
        // Shorter than any socket's buffer: it goes in one piece or not at all.
        guard Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        else { throw failure("asking") }
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "\(what): \(String(cString: strerror(errno)))")
    }
}

/// An answer as it comes in: the status, and the body out of its chunks.
struct HTTPAnswer {
    private(set) var status: Int?
    private var rest: [UInt8] = []
    private var isChunked = false
    /// Bytes that are still to come, of the body or of the present chunk.
    private var left: Int?
    private var hasEnded = false

    /// With neither length nor chunks a body ends with its connection.
    var isWhole: Bool { hasEnded || (!isChunked && (left ?? 0) <= 0) }

    /// - Returns: false for what is no HTTP.
    mutating func take(_ bytes: ArraySlice<UInt8>, body: (ArraySlice<UInt8>) -> Void) -> Bool {
        rest += bytes
        if status == nil {
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else {
                return rest.count < 65_536
            }
            guard readHead(String(decoding: rest[..<end.lowerBound], as: UTF8.self)) else {
                return false
            }
            rest.removeFirst(end.upperBound)
        }
        guard isChunked else {
            if !rest.isEmpty { body(rest[...]) }
            if let left { self.left = left - rest.count }
            rest.removeAll(keepingCapacity: true)
            return true
        }
        return takeChunks(body)
    }

    private mutating func takeChunks(_ body: (ArraySlice<UInt8>) -> Void) -> Bool {
        var at = 0
        defer { rest.removeFirst(at) }
        while !hasEnded {
            if let left {
                // The line end behind a chunk belongs to it, and not to the body.
                let count = min(left, rest.count - at)
                let ofBody = max(min(count, left - 2), 0)
                if ofBody > 0 { body(rest[at..<at + ofBody]) }
                at += ofBody
                guard rest.count - at >= left - ofBody else {
                    self.left = left - ofBody
                    return true
                }
                at += left - ofBody
                self.left = nil
            }
            guard let end = rest[at...].firstRange(of: Array("\r\n".utf8)) else { return true }
            let line = String(decoding: rest[at..<end.lowerBound], as: UTF8.self)
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { return false }
            at = end.upperBound
            if size == 0 { hasEnded = true } else { left = size + 2 }
        }
        return true
    }

    private mutating func readHead(_ head: String) -> Bool {
        let lines = head.split(separator: "\r\n")
        let first = lines.first?.split(separator: " ") ?? []
        guard first.count > 1, let code = Int(first[1]) else { return false }
        status = code
        for line in lines.dropFirst() {
            let parts = line.lowercased().split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].drop { $0 == " " }
            if parts[0] == "transfer-encoding", value == "chunked" { isChunked = true }
            if parts[0] == "content-length" { left = Int(value) }
        }
        if isChunked { left = nil }
        return true
    }
}

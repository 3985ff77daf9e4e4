/// One request over a real socket: what a scraper or a probe does.

import Dispatch
import Glibc
import Testing

struct HTTPAnswer {
    let status: Int
    let contentType: String?
    let body: String
}

/// Blocks a thread of its own: on one of Swift's two it would wait for a server that has none left.
func get(_ port: Int, _ path: String) async throws -> HTTPAnswer {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "get").async {
            continuation.resume(with: Result { try blockingGet(port, path) })
        }
    }
}

private func blockingGet(_ port: Int, _ path: String) throws -> HTTPAnswer {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    try #require(connected == 0)
    let request = Array("GET \(path) HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n".utf8)
    try #require(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
        bytes += buffer[..<count]
    }
    return try parse(String(decoding: bytes, as: UTF8.self))
}

/// The server sends these answers with a Content-Length, so the body is the rest.
private func parse(_ text: String) throws -> HTTPAnswer {
    let end = try #require(text.firstRange(of: "\r\n\r\n"))
    let head = text[..<end.lowerBound].split(separator: "\r\n")
    let word = try #require(head.first?.split(separator: " ").dropFirst().first)
    let status = try #require(Int(word))
    let contentType = head.first { $0.lowercased().hasPrefix("content-type:") }
        .map { String($0.drop { $0 != ":" }.dropFirst(2)) }
    return HTTPAnswer(
        status: status, contentType: contentType, body: String(text[end.upperBound...]))
}

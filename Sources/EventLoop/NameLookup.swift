/// One name resolution in libuv's thread pool (`getaddrinfo(3)`).
///
/// libcurl tells NXDOMAIN and SERVFAIL alike and starts a thread per lookup; the pool does neither.

internal import CUV
internal import Glibc

package enum NameLookupFailure: Error, Equatable, Sendable {
    /// The name does not exist, or has no address (EAI_NONAME, EAI_NODATA): NXDOMAIN.
    case notFound
    /// The resolver could not tell (EAI_AGAIN, SERVFAIL, timeouts): says nothing about the host.
    case unavailable(String)
}

package final class NameLookup {
    package typealias Outcome = Result<[String], NameLookupFailure>

    private let loop: EventLoop
    private var request: UnsafeMutablePointer<uv_getaddrinfo_t>?
    private var handler: ((Outcome) -> Void)?
    private var outcome: Outcome?

    fileprivate init(loop: EventLoop, name: String, handler: @escaping (Outcome) -> Void) {
        self.loop = loop
        self.handler = handler
        if isNumeric(name) {
            // The pool's threads may all wait for name servers, and this needs none.
            outcome = .success([name])
            loop.record(.resolved(self))
            return
        }
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        self.request = request
        // The pool holds the request until its callback, so the callback holds this object.
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        let status = uv_getaddrinfo(loop.loop, request, recordAddresses, name, nil, &hints)
        if status != 0 {
            Unmanaged.passUnretained(self).release()
            finish(status: status, addresses: nil)
        }
    }

    /// The handler is not called after this; the thread pool finishes for itself.
    package func cancel() { handler = nil }

    func deliver() {
        guard let handler, let outcome else { return }
        self.handler = nil
        handler(outcome)
    }

    fileprivate func finish(status: Int32, addresses: UnsafeMutablePointer<addrinfo>?) {
        if status == UV_EAI_NONAME.rawValue || status == UV_EAI_NODATA.rawValue {
            outcome = .failure(.notFound)
        } else if status != 0 {
            outcome = .failure(.unavailable(describe(status)))
        } else {
            let found = numericAddresses(addresses)
            outcome = found.isEmpty ? .failure(.notFound) : .success(found)
        }
        uv_freeaddrinfo(addresses)
        request?.deallocate()
        request = nil
        loop.record(.resolved(self))
    }
}

extension EventLoop {
    /// Looks a host name up; addresses come in the order of RFC 6724, numeric, each once.
    @discardableResult
    package func resolve(
        _ name: String, handler: @escaping (NameLookup.Outcome) -> Void
    ) -> NameLookup {
        NameLookup(loop: self, name: name, handler: handler)
    }
}

private func isNumeric(_ name: String) -> Bool {
    var address = in6_addr()
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
}

private func numericAddresses(_ list: UnsafeMutablePointer<addrinfo>?) -> [String] {
    var found: [String] = []
    var next = list
    while let entry = next {
        next = entry.pointee.ai_next
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count),
            nil, 0, NI_NUMERICHOST)
        guard status == 0 else { continue }
        let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        if !found.contains(address) { found.append(address) }
    }
    return found
}

private let recordAddresses: uv_getaddrinfo_cb = { request, status, addresses in
    guard let data = request?.pointee.data else { return }
    Unmanaged<NameLookup>.fromOpaque(data).takeRetainedValue()
        .finish(status: status, addresses: addresses)
}

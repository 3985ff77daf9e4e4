import NIOCore
import NIOHTTP1

/// One whole POST as the verifier sees it.
struct ReceivedRequest {
    let origin: Origin
    /// The request target exactly as on the request line.
    let target: String
    let headers: HTTPHeaders
    let body: ByteBuffer
    /// When the head came, in milliseconds since 1970.
    let arrivedMilliseconds: Int64
}

/// Where a connection was accepted: what the URL's scheme and port must have been.
struct Origin: Sendable {
    enum Scheme: String, Sendable { case https, http }

    let scheme: Scheme
    let port: Int

    /// The authority of a URL has no port when it is the scheme's own (RFC 9110 section 4.2).
    var authoritySuffix: String {
        switch (scheme, port) {
        case (.https, 443), (.http, 80): ""
        default: ":\(port)"
        }
    }
}

/// The header fields a receiver looks at, found in one pass over the request's headers.
struct ReceiverFields {
    private(set) var host: String?
    private(set) var date: String?
    private(set) var digest: String?
    private(set) var contentDigest: String?
    private(set) var signature: String?
    private(set) var signatureInput: String?
    private(set) var contentLength: String?
    private(set) var contentType: String?
    private(set) var userAgent: String?

    /// Refuses what some receiver reads in place of the field meant, and any of these fields given
    /// twice (facts/receivers.md section 1.1).
    init(_ headers: HTTPHeaders) throws(Refusal) {
        for (name, value) in headers {
            let field: WritableKeyPath<ReceiverFields, String?>
            switch name.lowercased() {
            case "host": field = \.host
            case "date": field = \.date
            case "digest": field = \.digest
            case "content-digest": field = \.contentDigest
            case "signature": field = \.signature
            case "signature-input": field = \.signatureInput
            case "content-length": field = \.contentLength
            case "content-type": field = \.contentType
            case "user-agent": field = \.userAgent
            case "authorization", "x-date", "x-original-host", "transfer-encoding",
                "content-encoding", "expect":
                throw Refusal(.forbiddenHeader, name)
            default: continue
            }
            guard self[keyPath: field] == nil else { throw Refusal(.repeatedHeader, name) }
            self[keyPath: field] = value
        }
    }
}

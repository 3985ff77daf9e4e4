import NIOCore
import NIOHTTP1

/// One request on a connection, from its head to the end of its answer.
struct Exchange {
    let head: HTTPRequestHead
    /// The Host header as it came.
    let authority: String
    /// Since 1970.
    let arrivedMilliseconds: Int64
    let decision: RuleBook.Decision
    var body = ByteBuffer()
    var bodyIsTooBig = false
    /// Set when the request is in the ledger.
    var ticket: Ledger.Ticket?
    /// The ledger knows how it ended.
    var isSettled = false

    /// Its channel is a stream among others of a connection.
    var isHTTP2: Bool { head.version.major == 2 }

    /// The request target without its query.
    static func path(_ target: String) -> Substring {
        target.prefix { $0 != "?" }
    }

    /// The host name of an authority, lower case: what rules match.
    static func name(_ authority: String) -> String {
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } + "]" }
        return authority.prefix { $0 != ":" }.lowercased()
    }
}

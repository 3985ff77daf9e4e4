/// Why an operation on Redis has no result.
package enum RedisFailure: Error, Equatable, Sendable {
    /// The connection broke, or there is none. The command may have been performed, or not.
    case disconnected(String)
    /// Another worker has the partition: nothing was changed.
    case fenced
    /// `maxmemory` is reached and the command adds: nothing was changed.
    case outOfMemory(String)
    /// Any other error reply, in Redis' own words.
    case refused(String)
    /// The reply is not of the shape that the command promises.
    case malformed(String)

    /// Sorts an error reply by its first word, which is Redis' error code.
    init(errorReply text: String) {
        switch text.prefix(while: { $0 != " " }) {
        case "FENCED": self = .fenced
        case "OOM": self = .outOfMemory(text)
        default: self = .refused(text)
        }
    }

    /// This server takes no writes (any more, or yet): another may, or this one after a new look.
    var asksForAnotherServer: Bool {
        isRefusal("READONLY") || isRefusal("LOADING") || isRefusal("MASTERDOWN")
    }

    /// Whether this is the error reply with this code.
    package func isRefusal(_ code: String) -> Bool {
        guard case .refused(let text) = self else { return false }
        return text.prefix(while: { $0 != " " }) == code
    }
}

package typealias RedisCompletion<Value> = (Result<Value, RedisFailure>) -> Void

/// One reply of Redis (RESP2), copied out of hiredis' memory.
package enum RedisReply: Equatable, Sendable {
    case null
    case integer(Int64)
    case status(String)
    case bytes([UInt8])
    case error(String)
    case array([RedisReply])

    /// The reply, or the failure that an error reply stands for.
    var checked: Result<RedisReply, RedisFailure> {
        if case .error(let text) = self { return .failure(RedisFailure(errorReply: text)) }
        return .success(self)
    }

    /// The answer to ROLE, if it is a primary's.
    var asPrimary: Result<RedisReply, RedisFailure> {
        let role = array?.first?.text ?? "unknown"
        return role == "master" ? .success(self) : .failure(.refused("it is a \(role) by now"))
    }

    package var integer: Int64? {
        if case .integer(let value) = self { return value }
        return nil
    }

    package var bytes: [UInt8]? {
        if case .bytes(let value) = self { return value }
        return nil
    }

    /// A bulk string or a status; bytes that are not UTF-8 are repaired.
    package var text: String? {
        switch self {
        case .bytes(let value): String(decoding: value, as: UTF8.self)
        case .status(let value): value
        case .null, .integer, .error, .array: nil
        }
    }

    package var array: [RedisReply]? {
        if case .array(let value) = self { return value }
        return nil
    }
}

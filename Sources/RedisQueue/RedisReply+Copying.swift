/// From hiredis' reply to ours.

internal import CHiredis

extension RedisReply {
    /// Copies: hiredis frees its reply when the callback returns.
    init(copying reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_STATUS: self = .status(reply.string)
        case REDIS_REPLY_STRING: self = .bytes(reply.copiedBytes)
        case REDIS_REPLY_ERROR: self = .error(reply.string)
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.element, count: reply.elements)
            self = .array(elements.map { $0.map { RedisReply(copying: $0.pointee) } ?? .null })
        default: self = .null
        }
    }
}

extension redisReply {
    fileprivate var rawBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: str, count: len)
    }
    fileprivate var copiedBytes: [UInt8] { [UInt8](rawBytes) }
    fileprivate var string: String { String(decoding: rawBytes, as: UTF8.self) }
}

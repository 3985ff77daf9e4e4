import CHiredis
import DeliveryCore

@testable import RedisQueue

/// Replies of a Redis that is not what it should be: every reader gives a value or one failure.
extension Decoder {
    static let redis = [
        Decoder(name: "redis-reply") { bytes in
            guard !announcesTooMuch(bytes), let reply = reply(bytes) else { return }
            try check(reply)
        }
    ]

    /// hiredis makes room for as many elements as are announced. Redis is ours: what it announces
    /// comes.
    private static func announcesTooMuch(_ bytes: [UInt8]) -> Bool {
        bytes.indices.contains { index in
            bytes[index] == UInt8(ascii: "*")
                && bytes[(index + 1)...].prefix { $0 != 0x0D }.count > 4
        }
    }

    private static func reply(_ bytes: [UInt8]) -> RedisReply? {
        guard let reader = redisReaderCreate() else { return nil }
        defer { redisReaderFree(reader) }
        let isFed = bytes.withUnsafeBytes {
            $0.count == 0
                || redisReaderFeed(
                    reader, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
                    == REDIS_OK
        }
        var raw: UnsafeMutableRawPointer?
        guard isFed, redisReaderGetReply(reader, &raw) == REDIS_OK, let raw else { return nil }
        defer { freeReplyObject(raw) }
        return RedisReply(copying: raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private static func check(_ reply: RedisReply) throws {
        if case .failure(let failure) = reply.checked {
            try promise(reply != .null && failure != .disconnected(""), "\(failure)")
        }
        if let entries = try? reply.entries() {
            for entry in entries {
                _ = LogEntry(entry)
                let fields = IntakeEntry(lane: .normal, entry).fields
                try promise(fields.count * 2 == entry.fields.count, "\(fields.count) fields")
            }
        }
        let keys = QueueKeys()
        let logs = [0, 1].map(PartitionNumber.init(rawValue:))
        let read = try? RedisQueue.logRead(reply, logs: logs.map { ($0, keys.log($0)) })
        try promise(read.map { $0.count <= logs.count } ?? true, "more logs than asked for")
        _ = try? RedisQueue.intakeEntries(keys: keys)(reply)
        _ = try? Predecessors(reply)
        _ = try? ServerFacts(info: reply, configuration: reply)
        for state in (try? RedisQueue.hostStates(reply)) ?? [] {
            _ = HostCondition(text: state.state)
        }
        for later in (try? RedisQueue.later(reply)) ?? [] {
            try promise(later.chain != nil, "\(later)")
        }
    }
}

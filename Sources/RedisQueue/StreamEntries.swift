/// The shape of what XREAD, XREADGROUP and XCLAIM answer.

internal import DeliveryCore

struct StreamEntry {
    var id: StreamID
    /// Names and values in turn.
    var fields: [RedisReply]

    /// nil for what is not an id and its fields.
    init?(_ reply: RedisReply) {
        guard let parts = reply.array, parts.count == 2,
            let id = parts[0].text.flatMap({ StreamID($0) }),
            let fields = parts[1].array, fields.count.isMultiple(of: 2)
        else { return nil }
        self.id = id
        self.fields = fields
    }

    /// The value of a field; of two with one name the first.
    subscript(name: StaticString) -> [UInt8]? {
        for index in stride(from: 0, to: fields.count, by: 2) {
            guard let bytes = fields[index].bytes else { continue }
            let isIt = name.withUTF8Buffer { $0.elementsEqual(bytes) }
            if isIt { return fields[index + 1].bytes }
        }
        return nil
    }
}

extension RedisReply {
    /// Entries by stream, in the order of the reply; none for the null that ends a wait.
    func streams() throws(RedisFailure) -> [(key: String, entries: [StreamEntry])] {
        if case .null = self { return [] }
        guard let streams = array else { throw .malformed("a list of streams expected") }
        var result: [(key: String, entries: [StreamEntry])] = []
        result.reserveCapacity(streams.count)
        for stream in streams {
            guard let parts = stream.array, parts.count == 2, let key = parts[0].text else {
                throw .malformed("a stream and its entries expected")
            }
            result.append((key, try parts[1].entries()))
        }
        return result
    }

    func entries() throws(RedisFailure) -> [StreamEntry] {
        guard let replies = array else { throw .malformed("a list of entries expected") }
        var entries: [StreamEntry] = []
        entries.reserveCapacity(replies.count)
        for reply in replies {
            guard let entry = StreamEntry(reply) else {
                throw .malformed("an id and its fields expected")
            }
            entries.append(entry)
        }
        return entries
    }

    func expectInteger() throws(RedisFailure) -> Int64 {
        guard let integer else { throw .malformed("an integer expected") }
        return integer
    }
}

extension Result where Failure == RedisFailure {
    /// Reads a reply; what it throws is the failure.
    func reading<Value>(
        _ read: (Success) throws(RedisFailure) -> Value
    ) -> Result<Value, RedisFailure> {
        switch self {
        case .success(let reply):
            Result<Value, RedisFailure> { () throws(RedisFailure) in try read(reply) }
        case .failure(let failure): .failure(failure)
        }
    }
}

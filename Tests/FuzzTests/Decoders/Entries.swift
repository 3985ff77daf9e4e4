import DeliveryCore

@testable import IntakeParsing
@testable import RedisQueue

/// What stands in Redis: our own entries, which an old version or a broken disk may have written,
/// and those of any producer.
extension Decoder {
    static let entries = [
        Decoder(name: "packed-inboxes") { bytes in
            guard let inboxes = PackedInboxes.decode(bytes) else { return }
            try promise(inboxes.count <= bytes.count, "more ids than bytes")
            let ascends = zip(inboxes, inboxes.dropFirst()).allSatisfy { $0 < $1 }
            try promise(ascends && inboxes.allSatisfy { $0.rawValue > 0 }, "\(inboxes)")
            try promise(PackedInboxes.encode(inboxes) == bytes, "another writing of \(inboxes)")
        },
        Decoder(name: "held-pointer") { bytes in
            if let pointer = DeliveryPointer(bytes: bytes) {
                try promise(pointer.bytes == bytes, "another writing of \(pointer)")
            } else {
                try promise(bytes.count != DeliveryPointer.byteCount, "13 bytes refused")
            }
            guard let later = Resolution.Later(bytes: bytes, due: .init(milliseconds: 1)) else {
                return try promise(bytes.count != Resolution.Later.byteCount, "25 bytes refused")
            }
            // Without a host the order says nothing and is written as 0.
            try promise(
                Resolution.Later(bytes: later.bytes, due: later.due) == later
                    && (later.chain == nil || later.bytes == bytes), "\(later)")
        },
        Decoder(name: "log-entry") { bytes in
            let fields = pieces(bytes).map(RedisReply.bytes)
            let reply = RedisReply.array([
                .bytes(Array("7-1".utf8)),
                .array(fields.count % 2 == 0 ? fields : fields + [.null]),
            ])
            guard let entry = StreamEntry(reply) else {
                throw BrokenPromise(description: "fields in pairs refused")
            }
            try check(LogEntry(entry))
        },
        Decoder(name: "host-condition") { bytes in
            let condition = HostCondition(text: text(bytes))
            try promise(HostCondition(text: condition.text) == condition, condition.text)
        },
        Decoder(name: "stream-id") { bytes in
            guard let id = StreamID(text(bytes)) else { return }
            try promise(StreamID(id.description) == id, "\(id)")
        },
        Decoder(name: "intake-entry") { bytes in
            let parts = pieces(bytes)
            var fields: [(name: String, value: [UInt8])] = []
            for index in stride(from: 0, to: parts.count - 1, by: 2) {
                fields.append((text(parts[index]), parts[index + 1]))
            }
            try checkIntake(fields)
        },
        Decoder(name: "json") { bytes in
            let parser = JSONParser(depthLimit: IntakeLimits.jsonDepth)
            let outcome = Result<JSONValue, JSONParser.Failure> { () throws(JSONParser.Failure) in
                try parser.parse(bytes)
            }
            switch outcome {
            case .success(let root): try walk(root, budget: bytes.count)
            case .failure(.notJSON(let words)): try promiseLegible(words)
            case .failure(.noMemory):
                throw BrokenPromise(description: "no memory for \(bytes.count) bytes")
            case .failure(.tooDeep):
                let opening = bytes.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
                try promise(opening >= IntakeLimits.jsonDepth, "too deep with \(opening) levels")
            }
        },
    ]

    private static func check(_ entry: LogEntry) throws {
        var command = RedisCommand()
        switch entry.content {
        case .malformed(let reason): return try promiseLegible(reason)
        case .fanout(let fanout):
            try promise((1...LogEntry.inboxLimit).contains(fanout.inboxes.count), "\(fanout)")
            command.append(fanout)
        case .pointers(let pointers):
            try promise((1...LogEntry.inboxLimit).contains(pointers.count), "\(pointers.count)")
            command.append("pointers")
            command.append(pointers)
        }
        let words = RedisReply.array(command.words.map(RedisReply.bytes))
        let again = StreamEntry(.array([.bytes(Array("7-1".utf8)), words])).map(LogEntry.init)
        try promise(again == entry, "\(entry) reads back as \(String(describing: again))")
    }

    private static func checkIntake(_ fields: [(name: String, value: [UInt8])]) throws {
        let parser = IntakeParser()
        let outcome = parse(fields, with: parser)
        let again = parse(fields, with: parser)
        try promise(outcome == again, "\(outcome) and then \(again)")
        switch outcome {
        case .failure(let rejection):
            try promise(RejectionCode(rawValue: rejection.code) != nil, rejection.code)
            try promiseLegible(rejection.reason)
        case .success(let job):
            let texts = [
                job.activityID, job.type, job.actor, job.key, job.idempotencyKey, job.orderingKey,
            ]
            let isSound = texts.allSatisfy { !$0.isEmpty && $0.utf8.count <= 2_048 }
            try promise(isSound && job.audience != .recipients([]), "\(job)")
            try promise(
                fields.contains { $0.name == "activity" && $0.value == job.activity },
                "an activity that was not given")
            try promise(job.orderingNeedle.utf8.allSatisfy { 0x21...0x7E ~= $0 }, "\(job)")
        }
    }

    private static func parse(
        _ fields: [(name: String, value: [UInt8])], with parser: IntakeParser
    ) -> Result<Job, Rejection> {
        Result { () throws(Rejection) in
            try parser.parse(
                fields: fields, lane: .normal, entry: StreamID(milliseconds: 1_700, sequence: 3),
                digest: Array(0..<32))
        }
    }

    private static func walk(_ root: JSONValue, budget: Int) throws {
        var open = [root]
        var seen = 0
        while let value = open.popLast() {
            seen += 1
            try promise(seen <= budget, "more values than bytes")
            try promise(!value.kindName.isEmpty, "a value of no kind")
            if value.isObject {
                for (name, value) in value.members {
                    try check(name, budget)
                    open.append(value)
                }
            } else if value.isArray {
                open.append(contentsOf: value.elements)
            } else if let text = value.text {
                try check(text, budget)
            }
        }
    }

    private static func check(_ text: JSONText, _ budget: Int) throws {
        try promise(text.byteCount <= budget, "a string longer than its text")
        try promise(text.string.utf8.count == text.byteCount, "a string that is not UTF-8")
    }
}

extension RedisCommand {
    /// As Redis would get them.
    fileprivate var words: [[UInt8]] {
        withArguments { count, texts, lengths in
            (0..<Int(count)).map {
                Array(UnsafeRawBufferPointer(start: texts[$0], count: lengths[$0]))
            }
        }
    }
}

package import DeliveryCore
internal import HTTPSignatures

/// Turns the fields of an intake entry into a ``Job``, or says in one sentence what is wrong with
/// it, where, and how to mend it.
///
/// Fields come from anybody who can XADD, in any language, so nothing about them is taken for
/// granted and nothing is guessed: what is not understood is refused by name.
package final class IntakeParser {
    private let json = JSONParser(depthLimit: IntakeLimits.jsonDepth)

    package init() {}

    /// - Parameters:
    ///   - entry: The entry's id, part of the default idempotency key.
    ///   - digest: The SHA-256 of the `activity` field, likewise.
    package func parse(
        fields: [(name: String, value: [UInt8])], lane: Lane, entry: StreamID, digest: [UInt8]
    ) throws(Rejection) -> Job {
        let fields = try IntakeFields(fields)
        let activity = try fields.required(.activity)
        let facts = try self.facts(activity)
        let named = try fields.text(.object)
        return Job(
            lane: lane, activity: activity, activityID: facts.id, type: facts.type,
            actor: facts.actor,
            key: try key(fields), audience: try audience(fields),
            idempotencyKey: try fields.text(.id)
                ?? "\(lane.name)/\(entry)/\(hexadecimal(digest))",
            orderingKey: named ?? facts.orderingKey,
            mayFollow: named.map { $0 != facts.id } ?? facts.mayFollow,
            exclude: try exclude(fields),
            synchronizedCollection: try synchronizedCollection(fields),
            expires: try expires(fields), contentType: try contentType(fields))
    }

    private func facts(_ activity: [UInt8]) throws(Rejection) -> ActivityFacts {
        try read(activity, .activity, limit: IntakeLimits.activityBytes) {
            root throws(Rejection) in try ActivityFacts(root)
        }
    }

    private func key(_ fields: IntakeFields) throws(Rejection) -> String {
        _ = try fields.required(.key)
        let text = try fields.text(.key) ?? ""
        do {
            return try KeyID(text).text
        } catch {
            throw Rejection(.invalidField, "field \"key\" \(quoted(text)) \(error.advice)")
        }
    }

    private func audience(_ fields: IntakeFields) throws(Rejection) -> AudienceReference {
        switch (fields[.to], try fields.text(.audience)) {
        case (_?, _?):
            throw Rejection(
                .conflictingFields,
                "the entry has both \"to\" and \"audience\"; give one of them")
        case (nil, nil):
            throw Rejection(
                .missingField,
                "the entry has neither \"to\" nor \"audience\"; give one of them")
        case (nil, let name?): return .named(name)
        case (let list?, nil):
            return .recipients(
                try read(list, .to, limit: IntakeLimits.recipientsBytes) {
                    root throws(Rejection) in try RecipientList.recipients(root)
                })
        }
    }

    private func exclude(_ fields: IntakeFields) throws(Rejection) -> [String] {
        guard let list = fields[.exclude] else { return [] }
        return try read(list, .exclude, limit: IntakeLimits.excludedBytes) {
            root throws(Rejection) in try RecipientList.exclusions(root)
        }
    }

    private func synchronizedCollection(_ fields: IntakeFields) throws(Rejection) -> String? {
        guard let text = try fields.text(.sync) else { return nil }
        guard (try? InboxTarget(url: text)) != nil else {
            throw Rejection(
                .invalidField,
                "field \"sync\" \(quoted(text)) is not an http or https URL; give the id of the "
                    + "sender's followers collection")
        }
        return text
    }

    /// Whole seconds since 1970 UTC, in digits: the one form that every language writes alike.
    private func expires(_ fields: IntakeFields) throws(Rejection) -> WallTime? {
        guard let text = try fields.text(.expires) else { return nil }
        let endOfYear9999: Int64 = 253_402_300_799
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int64(text),
            seconds <= endOfYear9999
        else {
            throw Rejection(
                .invalidField,
                "field \"expires\" \(quoted(text)) is not a time; give whole seconds since "
                    + "1970 UTC, not milliseconds")
        }
        return WallTime(milliseconds: seconds * 1_000)
    }

    /// nil is the first one: what every receiver takes (`facts/receivers.md` 1.1).
    private func contentType(_ fields: IntakeFields) throws(Rejection) -> String? {
        guard let text = try fields.text(.contentType) else { return nil }
        switch text {
        case "application/activity+json": return nil
        case Self.linkedDataType: return text
        default:
            throw Rejection(
                .invalidField,
                "field \"contentType\" \(quoted(text)) is no ActivityPub type; leave it out, or "
                    + "give application/activity+json or \(Self.linkedDataType)")
        }
    }

    private static let linkedDataType =
        "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\""

    /// Parses a field of JSON and takes from it what `take` returns: values don't outlive the call.
    private func read<Result>(
        _ bytes: [UInt8], _ name: IntakeFields.Name, limit: Int,
        take: (JSONValue) throws(Rejection) -> Result
    ) throws(Rejection) -> Result {
        guard bytes.count <= limit else {
            throw Rejection(
                .tooLarge,
                "field \"\(name)\" has \(bytes.count) bytes, more than \(limit); shorten it")
        }
        defer { if bytes.count > IntakeLimits.keptJSONBytes { json.releaseBuffers() } }
        let root: JSONValue
        do {
            root = try json.parse(bytes)
        } catch {
            throw Self.rejection(of: name, error)
        }
        return try take(root)
    }

    private static func rejection(
        of name: IntakeFields.Name, _ failure: JSONParser.Failure
    ) -> Rejection {
        switch failure {
        case .tooDeep:
            Rejection(
                .tooDeep,
                "field \"\(name)\" is nested deeper than \(IntakeLimits.jsonDepth); flatten it")
        case .noMemory:
            Rejection(
                .tooLarge,
                "field \"\(name)\" needs more memory to parse than the worker has; shorten it")
        case .notJSON(let words):
            Rejection(
                .notJSON, "field \"\(name)\" is not JSON in UTF-8 (\(words)); serialise it anew")
        }
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { text in
        for (index, byte) in bytes.enumerated() {
            text[index * 2] = hexDigit(byte >> 4)
            text[index * 2 + 1] = hexDigit(byte & 15)
        }
        return bytes.count * 2
    }
}

private func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}

internal import DeliveryCore
internal import HTTPSignatures

/// What the worker needs to know of an activity, read from its body, which stays as it is.
///
/// ActivityPub's demands are checked here, before anything is stored: an activity has an id
/// (section 6), the types of section 6 have an `object`, Add and Remove a `target`, and `bto` and
/// `bcc` are gone. The worker can't mend the body: its bytes are signed as they are.
struct ActivityFacts {
    let id: String
    let type: String
    let actor: String
    /// The id of the `object`, if it has one.
    let objectID: String?

    init(_ root: JSONValue) throws(Rejection) {
        guard root.isObject else {
            throw Rejection(
                .wrongKind, "\"activity\" is \(root.kindName), not a JSON object; send one activity"
            )
        }
        let members = try TopLevelMembers(root)
        id = try Self.string("id", members.id)
        type = try Self.string("type", members.type)
        actor = try Self.actor(members.actor)
        objectID = try Self.objectID(members.object)
        if Self.needsObject(type) { try Self.demand("object", members.object, type) }
        if Self.needsTarget(type) { try Self.demand("target", members.target, type) }
    }

    /// Deliveries of one sender with one key stay in order (DESIGN section 5): those about one
    /// object, and an Undo behind what it undoes, whose key is its own id.
    var orderingKey: String {
        switch type {
        case "Create", "Update", "Delete", "Undo": objectID ?? id
        default: id
        }
    }

    /// Something about the same object may have been sent before.
    var mayFollow: Bool { type != "Create" && orderingKey != id }

    /// ActivityPub section 6: these "MUST" have one.
    private static func needsObject(_ type: String) -> Bool {
        switch type {
        case "Create", "Update", "Delete", "Follow", "Add", "Remove", "Like", "Block", "Undo": true
        default: false
        }
    }

    private static func needsTarget(_ type: String) -> Bool { type == "Add" || type == "Remove" }

    private static func string(_ name: String, _ value: JSONValue?) throws(Rejection) -> String {
        guard let value else {
            throw Rejection(
                .missingMember, "the activity has no \"\(name)\"; add it before signing and sending"
            )
        }
        guard let text = value.text else {
            throw Rejection(
                .wrongKind,
                "\"\(name)\" of the activity is \(value.kindName), not a string; give one string")
        }
        return try usable(text, name)
    }

    private static func actor(_ value: JSONValue?) throws(Rejection) -> String {
        var actor = value
        if let value, value.isObject { actor = try Self.idMember(of: value, "actor") }
        let text = try string(value?.isObject == true ? "actor.id" : "actor", actor)
        guard (try? InboxTarget(url: text)) != nil else {
            throw Rejection(
                .invalidMember,
                "\"actor\" \(quoted(text)) is not an http or https URL; give the sender's id")
        }
        return text
    }

    private static func objectID(_ object: JSONValue?) throws(Rejection) -> String? {
        guard let object else { return nil }
        let id = object.isObject ? try idMember(of: object, "object") : object
        guard let text = id?.text, !text.isEmpty else { return nil }
        return try usable(text, object.isObject ? "object.id" : "object")
    }

    private static func idMember(
        of object: JSONValue, _ name: String
    ) throws(Rejection) -> JSONValue? {
        var id: JSONValue?
        for member in object.members where member.name == "id" {
            guard id == nil else { throw duplicate("\(name).id") }
            id = member.value
        }
        return id
    }

    private static func usable(_ text: JSONText, _ name: String) throws(Rejection) -> String {
        guard !text.isEmpty, !text.hasControlCharacters else {
            throw Rejection(
                .invalidMember,
                "\"\(name)\" of the activity is empty or has control characters; give an id")
        }
        guard text.byteCount <= IntakeLimits.textBytes else {
            throw Rejection(
                .tooLarge,
                "\"\(name)\" of the activity has \(text.byteCount) bytes, more than "
                    + "\(IntakeLimits.textBytes); shorten it")
        }
        return text.string
    }

    /// A string, an object or a list of them; `null`, "" and [] are nothing.
    private static func demand(
        _ name: String, _ value: JSONValue?, _ type: String
    ) throws(Rejection) {
        let isThere =
            if let value {
                value.isObject || value.text?.isEmpty == false
                    || value.isArray && value.elements.contains { _ in true }
            } else { false }
        guard isThere else {
            throw Rejection(
                .missingMember,
                "the activity is \(quoted(type)) and has no \"\(name)\", which ActivityPub "
                    + "section 6 demands; add it")
        }
    }

    fileprivate static func duplicate(_ name: String) -> Rejection {
        Rejection(
            .duplicateMember,
            "\"\(name)\" stands twice in the activity and receivers would differ on which "
                + "counts; give it once")
    }
}

/// The members that matter, found in one pass that also looks for what must not be there.
private struct TopLevelMembers {
    var id: JSONValue?
    var type: JSONValue?
    var actor: JSONValue?
    var object: JSONValue?
    var target: JSONValue?

    init(_ root: JSONValue) throws(Rejection) {
        for (name, value) in root.members {
            switch name {
            case "id": try Self.take(value, as: "id", &id)
            case "type": try Self.take(value, as: "type", &type)
            case "actor": try Self.take(value, as: "actor", &actor)
            case "object": try Self.take(value, as: "object", &object)
            case "target": try Self.take(value, as: "target", &target)
            default: break
            }
        }
        try Self.refusePrivateAddressing(in: root)
    }

    private static func take(
        _ value: JSONValue, as name: String, _ place: inout JSONValue?
    ) throws(Rejection) {
        guard place == nil else { throw ActivityFacts.duplicate(name) }
        place = value
    }

    /// At any depth: receivers would learn of secret recipients from an embedded object as well. In
    /// `@context` the names are only defined. The parser bounds the depth.
    private static func refusePrivateAddressing(in value: JSONValue) throws(Rejection) {
        if value.isArray {
            for element in value.elements { try refusePrivateAddressing(in: element) }
        } else if value.isObject {
            for (name, value) in value.members {
                if isPrivateAddressing(name) {
                    throw Rejection(
                        .privateAddressing,
                        "the activity shows \(quoted(name.string)), which ActivityPub section 6 "
                            + "demands to remove before delivery; remove it and name those "
                            + "recipients in \"to\" of the entry")
                }
                if !(name == "@context") { try refusePrivateAddressing(in: value) }
            }
        }
    }

    private static func isPrivateAddressing(_ name: JSONText) -> Bool {
        switch name {
        case "bto", "bcc", "as:bto", "as:bcc", "https://www.w3.org/ns/activitystreams#bto",
            "https://www.w3.org/ns/activitystreams#bcc":
            true
        default: false
        }
    }
}

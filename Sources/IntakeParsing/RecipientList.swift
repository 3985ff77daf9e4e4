internal import DeliveryCore

/// The `to` and `exclude` fields.
///
/// Only their shape is checked: whether a URL is an inbox that can be reached is judged one by one
/// when the audience is collapsed, so that one bad follower doesn't cost the others theirs.
enum RecipientList {
    /// An array of inbox URLs, or of `{"inbox","sharedInbox"?,"direct"?}`.
    static func recipients(_ root: JSONValue) throws(Rejection) -> [Recipient] {
        guard root.isArray else {
            throw Rejection(
                .wrongKind, "\"to\" is \(root.kindName), not a JSON array; put recipients into [ ]")
        }
        var recipients: [Recipient] = []
        for element in root.elements {
            guard recipients.count < IntakeLimits.recipients else {
                throw Rejection(
                    .tooManyRecipients,
                    "\"to\" names more than \(IntakeLimits.recipients) recipients; use "
                        + "\"audience\" for that many")
            }
            recipients.append(try recipient(element, at: recipients.count))
        }
        guard !recipients.isEmpty else {
            throw Rejection(
                .noRecipients, "\"to\" is empty; name a recipient or don't enqueue the activity")
        }
        return recipients
    }

    /// An array of inbox URLs.
    static func exclusions(_ root: JSONValue) throws(Rejection) -> [String] {
        guard root.isArray else {
            throw Rejection(
                .wrongKind,
                "\"exclude\" is \(root.kindName), not a JSON array; put inbox URLs into [ ]")
        }
        var urls: [String] = []
        for element in root.elements {
            guard urls.count < IntakeLimits.excluded else {
                throw Rejection(
                    .tooLarge,
                    "\"exclude\" names more than \(IntakeLimits.excluded) inboxes; use an "
                        + "audience without them")
            }
            urls.append(try url(element, "exclude[\(urls.count)]"))
        }
        return urls
    }

    private static func recipient(
        _ value: JSONValue, at index: Int
    ) throws(Rejection) -> Recipient {
        guard value.isObject else { return Recipient(inbox: try url(value, "to[\(index)]")) }
        var inbox: String?
        var sharedInbox: String?
        var direct: Bool?
        for (name, value) in value.members {
            switch name {
            case "inbox" where inbox == nil: inbox = try url(value, "to[\(index)].inbox")
            case "sharedInbox" where sharedInbox == nil:
                sharedInbox = try url(value, "to[\(index)].sharedInbox")
            case "direct" where direct == nil:
                guard let bool = value.bool else {
                    throw Rejection(
                        .wrongKind,
                        "\"to[\(index)].direct\" is \(value.kindName); give true or false")
                }
                direct = bool
            case "inbox", "sharedInbox", "direct":
                throw Rejection(
                    .duplicateMember,
                    "\"to[\(index)].\(name.string)\" stands twice; give it once")
            default:
                throw Rejection(
                    .unknownMember,
                    "\"to[\(index)]\" has an unknown member \(quoted(name.string)); members are "
                        + "inbox, sharedInbox, direct")
            }
        }
        guard let inbox else {
            throw Rejection(.missingMember, "\"to[\(index)]\" has no \"inbox\"; add it")
        }
        return Recipient(inbox: inbox, sharedInbox: sharedInbox, direct: direct ?? false)
    }

    private static func url(
        _ value: JSONValue, _ place: @autoclosure () -> String
    ) throws(Rejection) -> String {
        guard let text = value.text else {
            throw Rejection(
                .wrongKind, "\"\(place())\" is \(value.kindName); give an inbox URL as a string")
        }
        guard !text.isEmpty, !text.hasControlCharacters else {
            throw Rejection(
                .invalidMember,
                "\"\(place())\" is empty or has control characters; give an inbox URL")
        }
        guard text.byteCount <= IntakeLimits.textBytes else {
            throw Rejection(
                .tooLarge,
                "\"\(place())\" has \(text.byteCount) bytes, more than "
                    + "\(IntakeLimits.textBytes); give an inbox URL")
        }
        return text.string
    }
}

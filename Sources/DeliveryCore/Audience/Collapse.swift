/// From recipients to inboxes: shared inboxes, each once, without the sender's own host.
///
/// ActivityPub 6 (de-duplicate, leave out the actor), 7.1.3 (shared inbox). A recipient that cannot
/// be used never spoils the others: it is set aside with its reason.
package struct Collapse {
    /// One inbox that is to get the activity.
    package struct Inbox: Hashable, Sendable {
        package var url: String
        package var host: String
        package var isShared: Bool

        package init(url: String, host: String, isShared: Bool) {
            self.url = url
            self.host = host
            self.isShared = isShared
        }
    }

    /// A recipient that gets nothing, and why.
    package struct Unusable: Hashable, Sendable {
        package var url: String
        package var problem: AddressProblem

        package init(url: String, problem: AddressProblem) {
            self.url = url
            self.problem = problem
        }
    }

    /// What the adapter that knows URLs says of one.
    package typealias Address = Result<Inbox, AddressProblem>

    package private(set) var inboxes: [Inbox] = []
    package private(set) var unusable: [Unusable] = []
    /// URLs of ``inboxes``, and those of ``unusable``.
    private var seen: Set<String> = []
    private var seenUnusable: Set<String> = []
    private var excluded: Set<String>
    private let ownHosts: Set<String>

    /// - Parameters:
    ///   - ownHosts: lower-case authorities that get nothing: the instance and the actor's host.
    ///   - exclude: inbox URLs that get nothing.
    package init(ownHosts: Set<String>, exclude: [String]) {
        self.ownHosts = ownHosts
        self.excluded = Set(exclude)
    }

    package static let publicCollections: Set<String> = [
        "https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public",
    ]

    /// Asked for each recipient, and hardly any inbox ends like them.
    private static func isPublic(_ text: String) -> Bool {
        text.utf8.last == UInt8(ascii: "c") && publicCollections.contains(text)
    }

    /// Hands over what was gathered since the last time, and forgets it: the URLs of 100,000
    /// followers are not kept. Across the pages of an audience inboxes are told apart by id.
    package mutating func take() -> (inboxes: [Inbox], unusable: [Unusable]) {
        defer {
            inboxes.removeAll()
            unusable.removeAll()
            seen.removeAll(keepingCapacity: true)
            seenUnusable.removeAll()
        }
        return (inboxes, unusable)
    }

    /// - Parameter address: parses one inbox URL; asked at most twice a recipient.
    package mutating func add(_ recipient: Recipient, address: (String) -> Address) {
        let usesShared = !recipient.direct && recipient.sharedInbox != nil
        var target = usesShared ? recipient.sharedInbox ?? recipient.inbox : recipient.inbox
        // Most followers are behind an inbox that another one has brought.
        if seen.contains(target) { return }
        // The public collection is an addressee that has no inbox (ActivityPub 5.6).
        if Self.isPublic(recipient.inbox) { return }
        if excluded.contains(recipient.inbox) || excluded.contains(target) { return }
        var result = address(target)
        var isShared = usesShared
        if usesShared, case .failure = result {
            // A broken shared inbox is no reason to lose the follower behind it.
            target = recipient.inbox
            isShared = false
            result = address(target)
        }
        switch result {
        case .success(var inbox):
            guard !ownHosts.contains(inbox.host), !excluded.contains(inbox.url) else { return }
            guard seen.insert(inbox.url).inserted else { return }
            inbox.isShared = isShared
            inboxes.append(inbox)
        case .failure(let problem):
            guard seenUnusable.insert(target).inserted else { return }
            unusable.append(Unusable(url: target, problem: problem))
        }
    }
}

/// Why a URL is no inbox of the fediverse.
package struct AddressProblem: Error, Hashable, Sendable {
    /// A stable word for records: `unsupported-scheme`, `forbidden-address`, `malformed-url`, ...
    package var reason: String
    /// One sentence for people.
    package var detail: String

    package init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

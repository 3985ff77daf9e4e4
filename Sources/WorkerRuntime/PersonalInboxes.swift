internal import DeliveryCore

/// The way to recipients whose shared inbox is gone: their personal inboxes.
///
/// A server that moves its shared inbox still has the followers behind it. Which inboxes are gone
/// is known once a page is resolved, so only that page's recipients are kept; those of later pages
/// are turned before they are asked for.
struct PersonalInboxes {
    private var page: [Recipient] = []
    /// Shared inboxes that are gone, as URLs in the form that is stored.
    private var gone: Set<String> = []

    mutating func pageBegan() { page.removeAll() }

    /// The recipient as it is to be collapsed.
    mutating func arrived(
        _ recipient: Recipient, address: (String) -> Collapse.Address
    ) -> Recipient {
        var recipient = recipient
        if !gone.isEmpty, !recipient.direct, let shared = recipient.sharedInbox,
            case .success(let inbox) = address(shared), gone.contains(inbox.url)
        {
            recipient.sharedInbox = nil
        }
        page.append(recipient)
        return recipient
    }

    /// Some inboxes of the page are gone.
    ///
    /// - Returns: the recipients to ask for once more, without a shared inbox; and which of the
    ///   inboxes nobody has as the personal one, so that they are nobody's loss.
    mutating func sharedGone(
        _ urls: Set<String>, address: (String) -> Collapse.Address
    ) -> (again: [Recipient], replaced: Set<String>) {
        var again: [Recipient] = []
        var shared: Set<String> = []
        var personal: Set<String> = []
        for var recipient in page {
            let usesShared = !recipient.direct && recipient.sharedInbox != nil
            let target = usesShared ? recipient.sharedInbox ?? recipient.inbox : recipient.inbox
            guard case .success(let inbox) = address(target), urls.contains(inbox.url) else {
                continue
            }
            if usesShared {
                recipient.sharedInbox = nil
                again.append(recipient)
                shared.insert(inbox.url)
            } else {
                personal.insert(inbox.url)
            }
        }
        gone.formUnion(shared)
        return (again, shared.subtracting(personal))
    }
}

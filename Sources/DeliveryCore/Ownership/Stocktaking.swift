/// What an activity owes to hosts of one partition, as PostgreSQL has it.
package struct Owed: Equatable, Sendable {
    package var activity: ActivityID
    package var lane: Lane
    package var sender: SenderID
    package var partition: PartitionNumber
    package var inboxes: [InboxID]
    /// Of each inbox.
    package var hosts: [HostID]

    package init(
        activity: ActivityID, lane: Lane, sender: SenderID, partition: PartitionNumber,
        inboxes: [InboxID], hosts: [HostID]
    ) {
        precondition(inboxes.count == hosts.count, "one host an inbox")
        self.activity = activity
        self.lane = lane
        self.sender = sender
        self.partition = partition
        self.inboxes = inboxes
        self.hosts = hosts
    }

    /// Entries of a log, to be looked up before they are sent.
    package var fanouts: [Fanout] {
        var routes = Routes()
        for inbox in inboxes { routes.add(inbox, to: partition) }
        return routes.entries(activity: activity, lane: lane, sender: sender, again: true).map(\.1)
    }

    var pointers: [DeliveryPointer] {
        inboxes.map { DeliveryPointer(activity: activity, inbox: $0, attempts: 0) }
    }

    /// nil: nothing of it is left.
    func filter(_ stays: (DeliveryPointer) -> Bool) -> Owed? {
        filter { inbox, _ in
            stays(DeliveryPointer(activity: activity, inbox: inbox, attempts: 0))
        }
    }

    /// nil: nothing of it is left.
    func filter(_ stays: (InboxID, HostID) -> Bool) -> Owed? {
        var left = self
        (left.inboxes, left.hosts) = ([], [])
        for (inbox, host) in zip(inboxes, hosts) where stays(inbox, host) {
            left.inboxes.append(inbox)
            left.hosts.append(host)
        }
        return left.inboxes.isEmpty ? nil : left
    }
}

/// The slow comparison of what is owed with what stands somewhere, page by page and for ever.
///
/// A page is looked at twice, some time apart, before anything of it is called lost: what moves from
/// one place to another while they are asked one after the other is seen in neither.
package struct Stocktaking: Sendable {
    enum Stage: Sendable {
        case resting
        /// PostgreSQL is asked for the next page.
        case asking
        /// Redis is asked about what nobody here knows of; what stood nowhere so far.
        case seeking([PartitionNumber: [Owed]], through: ActivityID, nowhere: [Owed])
    }

    var id = StocktakingID(rawValue: 0)
    var stage = Stage.resting
    /// Not before that.
    var due: Instant?
    /// The page begins behind it.
    var after = ActivityID.zero
    /// What the first look at this page has missed; nil: there was none yet.
    var suspects: Set<DeliveryPointer>?
    /// What was given back. What is owed and nowhere once more has a result that PostgreSQL does not
    /// take: it would be sent again with every pass.
    private var returned: Set<DeliveryPointer> = []

    private static let returnedLimit = 100_000

    /// Whether it was not given back before.
    mutating func returns(_ pointer: DeliveryPointer) -> Bool {
        if returned.count >= Self.returnedLimit { returned.removeAll() }
        return returned.insert(pointer).inserted
    }
}

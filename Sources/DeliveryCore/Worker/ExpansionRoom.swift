/// What else goes into a batch of jobs: recipients and bytes.
///
/// None of a batch is sent before all are looked up, so what is for few must not wait for a row of
/// fan-outs; and all bodies go to PostgreSQL in one message.
struct ExpansionRoom {
    private var recipients: Int
    private var bytes: Int
    private let namedShare: Int

    /// Half of what the configuration allows.
    init(half configuration: WorkerConfiguration) {
        recipients = configuration.expansionRecipientLimit / 2
        bytes = configuration.expansionByteLimit / 2
        // Nobody knows before it is read how many a name stands for: a few to a batch, then, so that
        // a row of small audiences does not need a transaction each.
        namedShare = max(configuration.expansionRecipientLimit / 4, 1)
    }

    /// Whether there was any room left; what is larger than it takes it all.
    mutating func takes(_ job: Job) -> Bool {
        guard recipients > 0, bytes > 0 else { return false }
        bytes -= job.activity.count
        switch job.audience {
        case .recipients(let list): recipients -= list.count
        case .named: recipients -= namedShare
        }
        return true
    }

    /// What the first ones took beyond their own share is not taken from the others'.
    mutating func add(_ other: ExpansionRoom) {
        recipients = max(recipients, 0) + other.recipients
        bytes = max(bytes, 0) + other.bytes
    }
}

internal import DeliveryCore
internal import EventLoop
internal import Logging
internal import PostgresStore
internal import RedisQueue

/// What is owed and stands nowhere: looked for, and given back to Redis.
extension WorkerProcess {
    /// What was given to Redis later is on its way, and asked about another time.
    static let stocktakingAge: Duration = .seconds(300)

    func findOwed(_ id: StocktakingID, after: ActivityID, _ partitions: [PartitionNumber]) {
        let question = OwedQuestion(after: after, leastAge: Self.stocktakingAge)
        store.owedPage(question, of: partitions, isUrgent: false) { [weak self] result in
            switch result {
            case .success(let page):
                self?.occur(
                    .owedFound(id, through: page?.through, page?.owed.map(Owed.init) ?? []))
            case .failure(let failure):
                self?.complain(.takeStock, failure)
                self?.occur(.owedUnknown(id))
            }
        }
    }

    func seek(
        _ id: StocktakingID, _ lease: OwnedLease, after cursor: StreamID,
        _ pointers: [DeliveryPointer]
    ) {
        queue.seek(lease, after: cursor, pointers) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let nowhere): occur(.sought(id, lease.partition, nowhere: nowhere))
            case .failure(let failure):
                if case .fenced = failure { occur(.fenced(lease)) }
                complain(.takeStock, failure)
                occur(.sought(id, lease.partition, nowhere: []))
            }
        }
    }

    func restore(_ lease: OwnedLease, _ fanouts: [Fanout]) {
        queue.restore(lease, fanouts) { [weak self] result in
            switch result {
            case .success: break
            case .failure(.fenced): self?.occur(.fenced(lease))
            case .failure(let failure): self?.complain(.takeStock, failure)
            }
        }
    }

    /// With every heartbeat of the owner of partition 0.
    func sweepOwing() {
        guard isPostgresUp, let after = owingSweep.begin(at: EventLoop.now) else { return }
        store.sweepOwing(after: after, leastAge: OwingSweep.leastAge) { [weak self] result in
            switch result {
            case .success(let through): self?.owingSweep.ended(through: through)
            case .failure(let failure):
                self?.owingSweep.ended(through: after)
                self?.complain(.housekeeping, failure)
            }
        }
    }
}

/// Forgets activities that owe nothing any more, so that what may owe something is never much more
/// than what does.
///
/// New ones are looked at once, as soon as most have ended. What still owes something then may do so
/// for days, so all is gone over again only now and then: at 10 s a page of 1,000 a million take
/// three hours.
struct OwingSweep {
    static let leastAge: Duration = .seconds(60)
    static let againInterval: Duration = .seconds(10)

    private var isUnderWay = false
    private var isAgain = false
    private var fresh = ActivityID.zero
    private var again = ActivityID.zero
    private var againDue = Instant(nanoseconds: 0)

    /// The page behind this one is to be looked at; nil: one is.
    mutating func begin(at now: Instant) -> ActivityID? {
        guard !isUnderWay else { return nil }
        isUnderWay = true
        isAgain = now >= againDue
        if isAgain { againDue = now + Self.againInterval }
        return isAgain ? again : fresh
    }

    /// - Parameter through: the end of the page; nil: there was none.
    mutating func ended(through: ActivityID?) {
        isUnderWay = false
        if isAgain {
            again = through ?? .zero
        } else if let through {
            fresh = through
        }
    }
}

extension Owed {
    init(_ owed: OwedDeliveries) {
        self.init(
            activity: owed.activity, lane: owed.lane, sender: SenderID(stored: owed.keyID),
            partition: owed.partition, inboxes: owed.inboxes, hosts: owed.hosts)
    }
}

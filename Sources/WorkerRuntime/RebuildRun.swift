internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// Rebuilds partitions that Redis has lost, or of which it may have lost the newest: what PostgreSQL
/// says is owed goes into their logs, page by page, and then they are marked as whole.
///
/// The order counts. What is left of a lost partition goes before the record is read: whatever is
/// removed there was committed, and is read. The mark comes last, and nobody moves an old one on
/// meanwhile: a run that stops halfway is begun anew by whoever owns the partition then.
final class RebuildRun {
    struct Part {
        var lease: OwnedLease
        /// What came after this activity may be missing; nil: what is left is worth nothing.
        var after: ActivityID?
        var finding: Finding
    }

    /// Of the examination before it.
    struct Finding {
        /// What its mark must say.
        var generation: String
        /// The Redis process that has it.
        var process: String
    }

    struct Report {
        var result: Result<ActivityID, any Error>
        var whole: [Part] = []
        var fenced: [OwnedLease] = []
        var activities = 0
        var deliveries = 0
    }

    private let store: PostgresStore
    private let queue: RedisQueue
    private let completion: (Report) -> Void
    private var parts: [Part]
    private var report = Report(result: .success(.zero))
    private var last = ActivityID.zero

    init(
        _ parts: [Part], store: PostgresStore, queue: RedisQueue,
        completion: @escaping (Report) -> Void
    ) {
        self.parts = parts
        self.store = store
        self.queue = queue
        self.completion = completion
    }

    /// The closures hold this object until the last answer.
    func start() {
        let lost = parts.filter { $0.after == nil }
        forEach(lost, { self.queue.clear($0.lease, completion: $1) }) {
            self.store.newestActivity { result in
                switch result {
                case .success(let newest):
                    self.last = newest
                    self.bringBack(after: .zero)
                case .failure(let failure): self.fail(failure)
                }
            }
        }
    }

    // MARK: Pages

    private func bringBack(after: ActivityID) {
        // All of them have other owners now.
        if parts.isEmpty { return completion(report) }
        let question = OwedQuestion(
            after: after, last: last, givenAfter: parts.map { $0.after ?? .zero }.min() ?? last)
        store.owedPage(question, of: parts.map(\.lease.partition), isUrgent: true) { result in
            switch result {
            case .failure(let failure): self.fail(failure)
            case .success(nil): self.mark()
            case .success(.some(let page)):
                self.restore(page.owed) { self.bringBack(after: page.through) }
            }
        }
    }

    private func restore(_ owed: [OwedDeliveries], then next: @escaping () -> Void) {
        var fanouts: [PartitionNumber: [Fanout]] = [:]
        let afters = Dictionary(
            parts.map { ($0.lease.partition, $0.after ?? .zero) },
            uniquingKeysWith: { first, _ in first })
        var last: ActivityID?
        for one in owed where one.asOf > afters[one.partition] ?? .zero {
            if one.activity != last { report.activities += 1 }
            last = one.activity
            report.deliveries += one.inboxes.count
            fanouts[one.partition, default: []] += Owed(one).fanouts
        }
        let touched = parts.filter { fanouts[$0.lease.partition] != nil }
        forEach(
            touched,
            { part, done in
                let content = fanouts[part.lease.partition] ?? []
                self.queue.restore(part.lease, content, completion: done)
            }, then: next)
    }

    // MARK: The end

    private func mark() {
        forEach(
            parts,
            { part, done in
                let mark = PartitionMark(generation: part.finding.generation, through: self.last)
                self.queue.writeMark(
                    part.lease, mark, process: part.finding.process, completion: done)
            }
        ) {
            self.store.noteWhole(self.parts.map { ($0.lease, $0.finding.process) }) { result in
                switch result {
                case .success:
                    self.report.whole = self.parts
                    self.report.result = .success(self.last)
                    self.completion(self.report)
                case .failure(let failure): self.fail(failure)
                }
            }
        }
    }

    private func fail(_ failure: any Error) {
        report.result = .failure(failure)
        completion(report)
    }

    /// One operation for each part, side by side. Those that turn out to have another owner leave the
    /// run; any other failure ends it.
    private func forEach(
        _ some: [Part], _ operation: (Part, @escaping RedisCompletion<Void>) -> Void,
        then next: @escaping () -> Void
    ) {
        var remaining = some.count
        var failure: RedisFailure?
        if some.isEmpty { return next() }
        for part in some {
            operation(part) { outcome in
                switch outcome {
                case .success: break
                case .failure(.fenced):
                    self.parts.removeAll { $0.lease == part.lease }
                    self.report.fenced.append(part.lease)
                case .failure(let other): failure = other
                }
                remaining -= 1
                guard remaining == 0 else { return }
                if let failure { self.fail(failure) } else { next() }
            }
        }
    }
}

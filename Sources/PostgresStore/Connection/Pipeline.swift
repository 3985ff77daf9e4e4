/// The transactions that a connection has sent and not yet seen answered, oldest first.
///
/// Everything between two Syncs is one transaction in PostgreSQL (manual 34.5.1.3): when a
/// statement fails, the rest is skipped and all of it is rolled back; the Sync commits. So a
/// transaction costs one round trip, and none is ever left open.

struct Pipeline {
    typealias Completion = (Result<[ResultTable], StoreFailure>) -> Void

    struct Ended {
        let completion: Completion
        let result: Result<[ResultTable], StoreFailure>
        /// Why another connection is needed before anything is asked again.
        var staleness: Staleness?
    }

    /// The server no longer has what it had, or is no longer what it was.
    enum Staleness {
        /// A standby, left behind by a failover.
        case standby
        /// It does not know a name that it has confirmed.
        case nameLost
        /// What a kept plan answers has another type since.
        case planOutdated
    }

    private struct Transaction {
        var tables: [ResultTable] = []
        var error: ServerError?
        let usesNames: Bool
        let completion: Completion

        var staleness: Staleness? {
            switch error?.sqlState {
            case "25006": .standby
            case "26000" where usesNames: .nameLost
            case "0A000" where usesNames: .planOutdated
            default: nil
            }
        }
    }

    private var transactions: [Transaction] = []

    var count: Int { transactions.count }
    var isEmpty: Bool { transactions.isEmpty }

    mutating func transactionSent(
        usesNames: Bool = false, completion: @escaping Completion
    ) {
        transactions.append(Transaction(usesNames: usesNames, completion: completion))
    }

    mutating func answered(_ table: ResultTable) {
        guard !transactions.isEmpty else { return }
        transactions[0].tables.append(table)
    }

    /// The first error is the cause; what follows only repeats that.
    mutating func failed(_ error: ServerError) {
        guard !transactions.isEmpty, transactions[0].error == nil else { return }
        transactions[0].error = error
    }

    /// The server has committed the oldest transaction, or rolled it back.
    mutating func synchronised() -> Ended? {
        guard !transactions.isEmpty else { return nil }
        let oldest = transactions.removeFirst()
        let result: Result<[ResultTable], StoreFailure> =
            if let error = oldest.error {
                .failure(oldest.staleness == nil ? error.failure : .away(error.message))
            } else {
                .success(oldest.tables)
            }
        return Ended(
            completion: oldest.completion, result: result, staleness: oldest.staleness)
    }

    /// The connection is gone: nobody knows what was committed.
    mutating func connectionLost(_ reason: String) -> [Ended] {
        defer { transactions.removeAll() }
        return transactions.map {
            Ended(completion: $0.completion, result: .failure(.away(reason)))
        }
    }

    /// The server's own words about the oldest transaction, if it has said why it fails.
    var complaint: ServerError? { transactions.first?.error }
}

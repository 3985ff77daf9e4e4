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
    }

    private struct Transaction {
        var tables: [ResultTable] = []
        var error: ServerError?
        let completion: Completion
    }

    private var transactions: [Transaction] = []

    var count: Int { transactions.count }
    var isEmpty: Bool { transactions.isEmpty }

    mutating func transactionSent(completion: @escaping Completion) {
        transactions.append(Transaction(completion: completion))
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
            oldest.error.map { .failure($0.failure) } ?? .success(oldest.tables)
        return Ended(completion: oldest.completion, result: result)
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

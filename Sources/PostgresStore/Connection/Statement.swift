/// One SQL statement with its parameters; several of them make a transaction.

internal import CPostgres

struct Statement {
    let sql: String
    let parameters: [Parameter]
    /// Asked all the time: kept under a name, where that is possible. After five executions PostgreSQL
    /// may keep one plan for all parameters, and only an ANALYZE has it look at the tables again. So
    /// none whose best plan depends on what is asked, such as a join of two large arrays; and one
    /// about tables that grow from nothing, as each day's do, goes behind ``byIndex``. Of one text
    /// the parameters have always the same types.
    let isFrequent: Bool

    init(_ sql: String, _ parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
        isFrequent = false
    }

    init(frequent sql: String, _ parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
        isFrequent = true
    }

    /// `synchronous_commit = on` for the transaction that it opens, whatever the server's default:
    /// what we have reported as recorded must survive a crash.
    static let commitDurably = Statement(
        frequent: "select set_config('synchronous_commit', 'on', true)")

    /// For the transaction that it opens: however long it takes, whatever the role's default is.
    static let unhurried = Statement(
        frequent: "select set_config('statement_timeout', '0', true)")

    /// For the rest of the transaction: plans that are right whatever the tables hold. One that was
    /// kept while today's partition was empty would read all of it for each row, and one of when few
    /// inboxes were known would compare each URL with each.
    static let byIndex = Statement(
        frequent: """
            select set_config('enable_seqscan', 'off', true),
                set_config('plan_cache_mode', 'force_generic_plan', true)
            """)

    /// Puts the statement into libpq's output buffer (which copies it); false: see the message.
    /// Answers come in binary format.
    ///
    /// - Parameter name: under which the server has it prepared; nil: it is parsed and planned now.
    func send(on handle: ServerHandle, name: String?) -> Bool {
        // All parameters behind each other, so that one pointer keeps them all alive.
        var storage: [UInt8] = []
        storage.reserveCapacity(parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        var offsets: [Int?] = []
        for parameter in parameters {
            offsets.append(parameter.bytes == nil ? nil : storage.count)
            storage.append(contentsOf: parameter.bytes ?? [])
        }
        storage.append(0)
        let lengths = parameters.map { Int32($0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        return storage.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            if let name {
                return PQsendQueryPrepared(
                    handle.pointer, name, Int32(parameters.count), values, lengths, formats, 1)
            }
            return PQsendQueryParams(
                handle.pointer, sql, Int32(parameters.count), types, values, lengths, formats, 1)
        } == 1
    }

    /// Puts into libpq's output buffer what asks for the statement under a name.
    func sendPreparation(on handle: ServerHandle, name: String) -> Bool {
        PQsendPrepare(handle.pointer, name, sql, Int32(parameters.count), types) == 1
    }

    private var types: [Oid] { parameters.map { Oid($0.type) } }
}

/// Statements that the server has planned once for the connection, and keeps under names.
///
/// An unnamed statement is parsed and planned each time, which costs more than to execute most of
/// ours. A statement is sent without a name until the server has confirmed the name: so nothing that
/// goes wrong with a name can fail a transaction.
struct PreparedStatements {
    private enum State { case asked, confirmed(String) }

    /// Only where one server process serves the connection for its life: a transaction pooler
    /// hands each transaction to another one, which does not know the name.
    private(set) var isAllowed = false
    private var states: [String: State] = [:]

    mutating func allow() { isAllowed = true }

    /// nil: it goes without a name.
    func name(of statement: Statement) -> String? {
        guard isAllowed, statement.isFrequent, case .confirmed(let name) = states[statement.sql]
        else { return nil }
        return name
    }

    /// A name for a statement that has none and is to get one; it is given only once.
    mutating func newName(for statement: Statement) -> String? {
        guard isAllowed, statement.isFrequent, states[statement.sql] == nil else { return nil }
        states[statement.sql] = .asked
        return "trunkline_\(states.count)"
    }

    /// The server has it. One that it refuses stays without a name.
    mutating func confirm(_ name: String, of statement: Statement) {
        states[statement.sql] = .confirmed(name)
    }
}

/// Why PostgreSQL did not do what it was asked, by what the caller should do about it.

internal import CPostgres
package import DeliveryCore

package enum StoreFailure: Error, Equatable, Sendable {
    /// PostgreSQL is away, busy, damaged or not the primary: ask again later. Whether a transaction
    /// under way was committed is unknown.
    case away(String)
    /// The data is at fault, for good: SQLSTATE 22 (value), 23 (constraint), 54 (too long for an
    /// index). Nothing was written.
    case rejected(sqlState: String, message: String)
    /// These partitions have another owner by now. Nothing was written.
    case fenced([PartitionNumber])
    /// The statement, the schema or the permissions are at fault: a person has to look.
    case refused(sqlState: String, message: String)
}

extension StoreFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .away(let reason):
            "\(ConnectionRefusal(reason)?.words ?? "PostgreSQL is away"): \(reason)"
        case .rejected(let state, let message): "\(message) (SQLSTATE \(state))"
        case .fenced(let partitions):
            "other owners: \(partitions.map { String($0.rawValue) }.joined(separator: ", "))"
        case .refused(let state, let message): "\(message) (SQLSTATE \(state))"
        }
    }
}

extension StoreFailure {
    /// Why waiting alone does not help; nil: it may, or the failure is no matter of connecting.
    package var connectionRefusal: ConnectionRefusal? {
        if case .away(let reason) = self { ConnectionRefusal(reason) } else { nil }
    }
}

/// An error as the server told it.
struct ServerError: Equatable {
    var sqlState: String
    var message: String
    var detail: String

    /// SQLSTATE of `trunkline.fence`; its detail lists the partitions that are lost.
    static let fenced = "TR001"

    init(sqlState: String, message: String, detail: String = "") {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
    }

    init(copying result: OpaquePointer) {
        // Without a SQLSTATE libpq itself speaks: the connection is lost.
        sqlState = trunkline_pg_sqlstate(result).map { String(cString: $0) } ?? "08006"
        message =
            trunkline_pg_primary_message(result).map { String(cString: $0) }
            ?? trimmed(PQresultErrorMessage(result))
        detail = trunkline_pg_detail(result).map { String(cString: $0) } ?? ""
    }

    var failure: StoreFailure {
        if sqlState == Self.fenced {
            let numbers = detail.split(separator: ",").compactMap { Int($0) }
            return .fenced(numbers.sorted().map(PartitionNumber.init(rawValue:)))
        }
        // A standby, left behind by a failover.
        if sqlState == "25006" { return .away(message) }
        // SQLSTATE classes, PostgreSQL manual, appendix A.
        switch sqlState.prefix(2) {
        case "08", "53", "57": return .away(message)
        // A deadlock, a lock timeout: nothing is wrong with what was asked.
        case "40", "55": return .away(message)
        // A disk that cannot be read, a damaged index: nothing is wrong with what was asked, either.
        case "58", "72", "F0", "XX": return .away(message)
        case "22", "23", "54": return .rejected(sqlState: sqlState, message: message)
        default: return .refused(sqlState: sqlState, message: message)
        }
    }
}

/// libpq ends its messages with a line feed.
func trimmed(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "no reason given" }
    var text = Substring(String(cString: message))
    while text.last?.isNewline == true { text.removeLast() }
    return text.isEmpty ? "no reason given" : String(text)
}

/// What is counted over all requests.
struct LedgerTotals: Equatable {
    /// How an exchange ended without an answer.
    enum Unanswered: String, Sendable {
        case hung, reset, closed
        /// The client left before the answer.
        case abandoned
    }

    var requests = 0
    /// Of them, those that came over HTTP/2.
    var http2Requests = 0
    var accepted = 0
    /// Acceptances beyond the first of a pair.
    var duplicates = 0
    /// Requests whose body has no top-level id, or was never read.
    var withoutID = 0
    /// Requests of pairs there was no room for.
    var unrecorded = 0
    /// What could not be parsed as HTTP; not counted as a request.
    var malformed = 0
    var answers: [Int: Int] = [:]
    var unanswered: [Unanswered: Int] = [:]
    var badSignatures: [Refusal.Reason: Int] = [:]
    /// Since 1970.
    var firstMilliseconds: Int64?
    var lastMilliseconds: Int64?
}

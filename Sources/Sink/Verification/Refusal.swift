/// Why a receiver would not believe a request: what is counted, and the words of the 401.
struct Refusal: Error, Equatable, Sendable {
    let reason: Reason
    /// What exactly was found, for the one who reads the answer.
    let detail: String

    init(_ reason: Reason, _ detail: String = "") {
        self.reason = reason
        self.detail = detail
    }

    var words: String { detail.isEmpty ? reason.rawValue : "\(reason.rawValue): \(detail)" }

    /// The raw values are the keys of `badSignatures` in the report: scripts may rely on them.
    enum Reason: String, Sendable {
        case contentLengthMissing = "content-length missing"
        case forbiddenHeader = "forbidden header"
        case repeatedHeader = "repeated header"
        case contentType = "content-type is not that of an activity"
        case userAgentMissing = "user-agent missing"
        case hostMismatch = "host is not the authority of the URL"
        case dateMissing = "date missing"
        case dateMalformed = "date malformed"
        case dateOld = "date too old"
        case dateAhead = "date in the future"
        case digestMissing = "digest missing"
        case digestMalformed = "digest malformed"
        case digestMismatch = "digest does not match the body"
        case signatureMissing = "signature missing"
        case signatureMalformed = "signature malformed"
        case notCovered = "not covered by the signature"
        case coveredMissing = "covered header missing"
        case algorithm = "algorithm does not fit the key"
        case unknownKey = "unknown key"
        case signatureWrong = "signature does not verify"
    }
}

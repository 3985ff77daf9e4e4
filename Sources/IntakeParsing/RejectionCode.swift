internal import DeliveryCore

/// Every reason for which an intake entry is refused: the `code` of a ``Rejection``, for metrics
/// and for producers' tests. The words stay.
package enum RejectionCode: String, CaseIterable, Sendable {
    case unknownField = "unknown-field"
    case duplicateField = "duplicate-field"
    case missingField = "missing-field"
    /// `to` and `audience` together.
    case conflictingFields = "conflicting-fields"
    /// A field whose value is not of its form.
    case invalidField = "invalid-field"
    /// A field that is not UTF-8.
    case notUTF8 = "not-utf8"
    /// The activity, or another field, beyond its limit.
    case tooLarge = "too-large"

    /// A field that should hold JSON.
    case notJSON = "not-json"
    case tooDeep = "too-deep"
    /// JSON of another kind than expected, e.g. an array where an object should stand.
    case wrongKind = "wrong-kind"
    case unknownMember = "unknown-member"
    case duplicateMember = "duplicate-member"

    /// The activity lacks what ActivityPub demands of it.
    case missingMember = "missing-member"
    /// A member of the activity whose value can't be used.
    case invalidMember = "invalid-member"
    /// The activity shows `bto` or `bcc`.
    case privateAddressing = "private-addressing"

    case noRecipients = "no-recipients"
    case tooManyRecipients = "too-many-recipients"
}

extension Rejection {
    init(_ code: RejectionCode, _ reason: String) {
        self.init(code: code.rawValue, reason: reason)
    }
}

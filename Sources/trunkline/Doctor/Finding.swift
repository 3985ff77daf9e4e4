/// One thing that was looked at, and how it is.
struct Finding {
    enum Grade: String {
        case ok
        /// It works, and will cost something some day.
        case warning
        /// Deliveries fail, or will be lost.
        case problem

        var severity: Int {
            switch self {
            case .ok: 0
            case .warning: 1
            case .problem: 2
            }
        }
    }

    var grade: Grade
    /// What was looked at: a few stable words.
    var subject: String
    var message: String
    /// What to do about it; empty when it is fine.
    var mend: String

    static func ok(_ subject: String, _ message: String) -> Finding {
        Finding(grade: .ok, subject: subject, message: message, mend: "")
    }

    static func warning(_ subject: String, _ message: String, mend: String) -> Finding {
        Finding(grade: .warning, subject: subject, message: message, mend: mend)
    }

    static func problem(_ subject: String, _ message: String, mend: String) -> Finding {
        Finding(grade: .problem, subject: subject, message: message, mend: mend)
    }

    /// `problem  eviction policy  maxmemory-policy is ...; mend: ...`
    var line: String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(width - text.count, 0))
        }
        return padded(grade.rawValue, 7) + "  " + padded(subject, 16) + "  " + message.printable
            + (mend.isEmpty ? "" : "; mend: \(mend)")
    }

    var json: JSON {
        .object([
            ("grade", .string(grade.rawValue)), ("subject", .string(subject)),
            ("message", .string(message)), ("mend", mend.isEmpty ? .null : .string(mend)),
        ])
    }
}

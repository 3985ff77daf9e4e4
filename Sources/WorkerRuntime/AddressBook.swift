internal import DeliveryCore
internal import PostgresStore
internal import Transport

/// Says which inbox URLs may be delivered to, before anything is stored for them.
///
/// Names are judged when they are connected to; here only what the URL itself shows: its form, its
/// scheme, and an address written out as such.
struct AddressBook {
    /// What was read lately: the same followers get each activity of an actor.
    private final class Memory {
        /// URLs of a generation, and the longest in bytes: 8 MB at most in both.
        static let limit = 8_192
        static let longestURL = 256

        private var newer: [Spelling: Collapse.Inbox] = [:]
        private var older: [Spelling: Collapse.Inbox] = [:]

        subscript(text: String) -> Collapse.Inbox? {
            get { newer[Spelling(text)] ?? older[Spelling(text)] }
            set {
                guard text.utf8.count <= Self.longestURL else { return }
                if newer.count >= Self.limit { (older, newer) = (newer, [:]) }
                newer[Spelling(text)] = newValue
            }
        }
    }

    private let guarding: AddressGuard
    private let allowsPlainHTTP: Bool
    private let memory = Memory()

    /// - Parameter allowsPlainHTTP: `http://` inboxes are for tests and closed networks.
    init(guarding: AddressGuard, allowsPlainHTTP: Bool) {
        self.guarding = guarding
        self.allowsPlainHTTP = allowsPlainHTTP
    }

    func address(_ text: String) -> Collapse.Address {
        if let known = memory[text] { return .success(known) }
        let judged = judge(text)
        if case .success(let inbox) = judged { memory[text] = inbox }
        return judged
    }

    private func judge(_ text: String) -> Collapse.Address {
        let url: InboxURL
        do throws(InboxURLProblem) {
            url = try InboxURL.parse(text)
        } catch {
            return .failure(
                AddressProblem(
                    reason: "unusable-url", detail: "\(text.prefix(200)): \(error.advice)"))
        }
        if url.scheme == "http", !allowsPlainHTTP {
            return .failure(
                AddressProblem(
                    reason: "unsupported-scheme",
                    detail: "\(url.url) is plain http; only https is delivered to (allow it with "
                        + "--allow-plain-http)"))
        }
        if guarding.permits(url.host) == false {
            return .failure(
                AddressProblem(
                    reason: TransportFailure.forbiddenAddress.rawValue,
                    detail: "\(url.host) is not a public address (allow it with --allow-address)"))
        }
        return .success(Collapse.Inbox(url: url.url, host: url.authority, isShared: false))
    }
}

extension InboxURL {
    /// The authority without its port.
    fileprivate var host: String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[...end])
        }
        return String(authority.prefix { $0 != ":" })
    }
}

extension InboxURLProblem {
    /// What is wrong and what would be right, for the one who enqueued it.
    fileprivate var advice: String {
        switch self {
        case .tooLong: "longer than \(InboxURL.lengthLimit) bytes"
        case .scheme: "not an https URL"
        case .noHost: "has no host"
        case .userInformation: "holds credentials, which never belong to an inbox"
        case .forbiddenCharacter: "holds a blank or a control character"
        case .invalidHost: "its host is not a name or address that could be connected to"
        case .malformed: "not a URL"
        }
    }
}

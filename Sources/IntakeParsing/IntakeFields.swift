internal import DeliveryCore

/// The fields of one entry, sorted out by name: each at most once, none that we don't know.
struct IntakeFields {
    enum Name: String, CaseIterable {
        case activity, key, to, audience, id, object, exclude, sync, expires, contentType
    }

    private var values: [[UInt8]?] = Array(repeating: nil, count: Name.allCases.count)

    init(_ fields: [(name: String, value: [UInt8])]) throws(Rejection) {
        for field in fields {
            guard let name = Name(rawValue: field.name) else {
                throw Rejection(
                    .unknownField,
                    "field \(quoted(field.name)) is not known; fields are "
                        + Name.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard self[name] == nil else {
                throw Rejection(
                    .duplicateField,
                    "field \"\(name)\" stands twice in the entry; give it once")
            }
            values[name.place] = field.value
        }
    }

    subscript(name: Name) -> [UInt8]? { values[name.place] }

    func required(_ name: Name) throws(Rejection) -> [UInt8] {
        guard let value = self[name] else {
            throw Rejection(.missingField, "field \"\(name)\" is missing; add it to the XADD")
        }
        return value
    }

    /// A field of text: UTF-8, not empty, without control characters, within its limit.
    func text(
        _ name: Name, limit: Int = IntakeLimits.textBytes
    ) throws(Rejection) -> String? {
        guard let bytes = self[name] else { return nil }
        guard bytes.count <= limit else {
            throw Rejection(
                .tooLarge,
                "field \"\(name)\" has \(bytes.count) bytes, more than \(limit); shorten it")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Rejection(
                .notUTF8, "field \"\(name)\" is not UTF-8; encode it as UTF-8")
        }
        guard !text.isEmpty else {
            throw Rejection(
                .invalidField, "field \"\(name)\" is empty; leave it out or fill it in")
        }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw Rejection(
                .invalidField,
                "field \"\(name)\" contains a control character; remove it")
        }
        return text
    }
}

extension IntakeFields.Name {
    fileprivate var place: Int {
        switch self {
        case .activity: 0
        case .key: 1
        case .to: 2
        case .audience: 3
        case .id: 4
        case .object: 5
        case .exclude: 6
        case .sync: 7
        case .expires: 8
        case .contentType: 9
        }
    }
}

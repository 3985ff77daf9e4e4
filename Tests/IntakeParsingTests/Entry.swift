import DeliveryCore
import IntakeParsing

/// An intake entry under construction: a sound one, changed field by field.
struct Entry {
    typealias Field = (name: String, value: [UInt8])

    var fields: [Field]

    init() {
        fields = []
        self["activity"] = """
            {"@context":"https://www.w3.org/ns/activitystreams",\
            "id":"https://our.example/activities/1","type":"Create",\
            "actor":"https://our.example/users/alice",\
            "object":{"id":"https://our.example/notes/1","type":"Note","content":"Hi"}}
            """
        self["key"] = "https://our.example/users/alice#main-key"
        self["to"] = #"["https://remote.example/inbox"]"#
    }

    /// Sets a field, or removes it.
    subscript(name: String) -> String? {
        get { fields.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) } }
        set { set(name, newValue.map { Array($0.utf8) }) }
    }

    mutating func set(_ name: String, _ value: [UInt8]?) {
        let place = fields.firstIndex { $0.name == name }
        switch (place, value) {
        case (let place?, let value?): fields[place].value = value
        case (let place?, nil): fields.remove(at: place)
        case (nil, let value?): fields.append((name, value))
        case (nil, nil): break
        }
    }

    func with(_ name: String, _ value: String?) -> Entry {
        var entry = self
        entry[name] = value
        return entry
    }

    static let digest = (0..<32).map { UInt8($0) }

    func parse(with parser: IntakeParser = IntakeParser()) throws(Rejection) -> Job {
        try parser.parse(
            fields: fields, lane: .normal, entry: StreamID(milliseconds: 1_700, sequence: 3),
            digest: Self.digest)
    }

    /// nil when the entry is taken.
    var rejection: Rejection? {
        do {
            _ = try parse()
            return nil
        } catch { return error }
    }
}

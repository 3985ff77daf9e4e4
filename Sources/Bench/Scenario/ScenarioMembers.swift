/// The members of one object of a scenario: each is asked for by name, and what nobody has asked
/// for is refused, because a misspelt limit must not silently be the standard one.
struct ScenarioMembers {
    let file: String
    /// Such as `mix[2].`, before a member's name.
    private let place: String
    private let members: [String: JSONValue]

    init(
        _ value: JSONValue, file: String, at place: String, known: [String]
    ) throws(ScenarioMistake) {
        self.file = file
        self.place = place.isEmpty ? "" : "\(place)."
        guard case .object(let members) = value else {
            throw ScenarioMistake(file: file, key: place, mend: "write an object, { ... }")
        }
        self.members = members
        for name in members.keys.sorted() where !known.contains(name) {
            throw mistake(
                name, "there is no such key; those there are: \(known.joined(separator: ", "))")
        }
    }

    func has(_ name: String) -> Bool { members[name] != nil }

    func value(_ name: String) throws(ScenarioMistake) -> JSONValue {
        guard let value = members[name] else { throw mistake(name, "is missing: add it") }
        return value
    }

    func number(
        _ name: String, in range: ClosedRange<Double>, else standard: Double? = nil
    ) throws(ScenarioMistake) -> Double {
        if let standard, !has(name) { return standard }
        guard case .number(let number) = try value(name), range.contains(number) else {
            throw mistake(
                name, "write a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
            )
        }
        return number
    }

    func count(
        _ name: String, in range: ClosedRange<Int>, else standard: Int? = nil
    ) throws(ScenarioMistake) -> Int {
        if let standard, !has(name) { return standard }
        guard case .number(let number) = try value(name), let count = Int(exactly: number),
            range.contains(count)
        else {
            throw mistake(
                name, "write a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return count
    }

    func boolean(_ name: String, else standard: Bool) throws(ScenarioMistake) -> Bool {
        guard has(name) else { return standard }
        guard case .boolean(let value) = try value(name) else {
            throw mistake(name, "write true or false")
        }
        return value
    }

    func text(_ name: String) throws(ScenarioMistake) -> String {
        guard case .string(let text) = try value(name), !text.isEmpty else {
            throw mistake(name, "write a text, \"...\"")
        }
        return text
    }

    /// At least one element, each an object.
    func list<Element>(
        _ name: String, known: [String],
        _ read: (ScenarioMembers) throws(ScenarioMistake) -> Element
    ) throws(ScenarioMistake) -> [Element] {
        guard case .array(let values) = try value(name), !values.isEmpty else {
            throw mistake(name, "write a list of objects, at least one")
        }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            elements.append(
                try read(
                    ScenarioMembers(
                        value, file: file, at: "\(place)\(name)[\(index)]", known: known)))
        }
        return elements
    }

    func mistake(_ name: String, _ mend: String) -> ScenarioMistake {
        ScenarioMistake(file: file, key: place + name, mend: mend)
    }
}

/// Without the `.0` of a whole number.
private func plain(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
}

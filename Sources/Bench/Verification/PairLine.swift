/// A line of the sink's `GET /.sink/pairs`: what came for one activity at one inbox.
///
/// Read by hand: a run has as many lines as deliveries, and a JSON decoder takes 10 us for each.
package struct PairLine: Equatable, Sendable {
    package var activity: String
    package var inbox: String
    package var accepted: Int
    package var requests: Int
    /// Since 1970, whole milliseconds.
    package var lastMilliseconds: Int64

    /// Nil for what is no such line.
    package init?(_ line: some Sequence<UInt8>) {
        var reader = FlatObject(Array(line))
        var texts: [String: String] = [:]
        while let (name, value) = reader.next() { texts[name] = value }
        guard let activity = texts["activity"], let inbox = texts["inbox"],
            let accepted = texts["accepted"].flatMap({ Int($0) }),
            let requests = texts["requests"].flatMap({ Int($0) }),
            let last = texts["lastMilliseconds"].flatMap({ Int64($0) })
        else { return nil }
        (self.activity, self.inbox) = (activity, inbox)
        (self.accepted, self.requests) = (accepted, requests)
        lastMilliseconds = last
    }
}

/// An object of texts and numbers. A text with an escape is none of ours, and is read as it stands.
private struct FlatObject {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> (String, String)? {
        guard let name = text() else { return nil }
        guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { return nil }
        at += 1
        guard at < bytes.count else { return nil }
        if bytes[at] == UInt8(ascii: "\"") { return text().map { (name, $0) } }
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: ","), bytes[at] != UInt8(ascii: "}") {
            at += 1
        }
        return (name, String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func text() -> String? {
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += 1 }
        let start = at + 1
        at = start
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard at < bytes.count else { return nil }
        defer { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }
}

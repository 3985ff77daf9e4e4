/// The small scenario of `benchmarks`, and changed copies of it.

import Foundation
import Testing

enum SmallScenario {
    static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "benchmarks/Scenarios/small.json").path

    /// The changed file's path.
    static func changed(_ changes: [String: Any], in scratch: Scratch) throws -> String {
        let data = try Data(contentsOf: URL(filePath: path))
        var members = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        members.merge(changes) { $1 }
        let text = try JSONSerialization.data(withJSONObject: members)
        return try scratch.write(String(decoding: text, as: UTF8.self), to: "changed.json")
    }
}

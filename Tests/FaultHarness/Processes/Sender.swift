import Foundation

/// An actor of ours: a key that the pool signs with and the sink knows.
package struct Sender: Sendable {
    package let keyID: String
    package let publicKeyPEM: String

    /// As an operator does it: `trunkline keys add`, then the actor publishes the key.
    package init(_ name: String = "alice", of pool: Pool, known sink: SinkProcess) throws {
        keyID = Self.keyID(name)
        let json = try pool.trunkline([
            "keys", "add", "--key-id", keyID, "--generate", "rsa", "--json",
        ])
        struct Added: Decodable {
            let public_key_pem: String
        }
        publicKeyPEM = try JSONDecoder().decode(Added.self, from: Data(json.utf8)).public_key_pem
        try sink.publish(keyID: keyID, pem: publicKeyPEM)
    }

    package static func keyID(_ name: String) -> String {
        "https://our.example/users/\(name)#main-key"
    }
}

/// A Create of a note, as a main server would send it.
package struct Note {
    package let id: String
    package let body: String

    package init(_ name: String, extra: String = "") {
        let note = "https://our.example/notes/\(name)"
        id = "\(note)/create"
        body = """
            {"@context":"https://www.w3.org/ns/activitystreams","id":"\(id)","type":"Create",\
            "actor":"https://our.example/users/alice",\
            "to":["https://www.w3.org/ns/activitystreams#Public"],\(extra)\
            "object":{"id":"\(note)","type":"Note","content":"Grüße aus \(name) 🚋"}}
            """
    }

    /// The entry's fields.
    package func entry(to inboxes: [String], key: String) -> [(String, String)] {
        [("activity", body), ("key", key), ("to", jsonArray(inboxes))]
    }

    package func pairs(_ inboxes: [String]) -> [Pair] {
        inboxes.map { Pair(activity: id, inbox: $0) }
    }
}

package func jsonArray(_ texts: [String]) -> String {
    "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
}

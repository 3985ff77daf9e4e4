/// The bytes of one activity: a public note of a given size.
package enum ActivityBody {
    /// What everything but the note's text takes at most.
    package static let leastBytes = 1_024

    package static func bytes(
        _ names: LoadNames, number: Int, sender: Int, count: Int
    ) -> [UInt8] {
        let (id, actor) = (names.id(number), names.actor(sender))
        let start = """
            {"@context":"https://www.w3.org/ns/activitystreams","id":"\(id)","type":"Create",\
            "actor":"\(actor)","to":["https://www.w3.org/ns/activitystreams#Public"],\
            "cc":["\(actor)/followers"],"object":{"id":"\(id)/note","type":"Note",\
            "attributedTo":"\(actor)","to":["https://www.w3.org/ns/activitystreams#Public"],\
            "content":"
            """
        var bytes = Array(start.utf8)
        let end = Array("\"}}".utf8)
        let words = Array("a word of a note, and ".utf8)
        var next = 0
        while bytes.count + end.count < count {
            bytes.append(words[next])
            next = (next + 1) % words.count
        }
        return bytes + end
    }
}

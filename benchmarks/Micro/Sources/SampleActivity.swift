/// A post as Mastodon writes it, of the size that the other benchmarks send.
enum SampleActivity {
    static let byteCount = 3_072
    static let actor = "https://social.fedi.localhost/users/alice"
    static let key = actor + "#main-key"
    static let id = actor + "/statuses/115518204771093662/activity"
    static let inbox = "https://h1.fedi.localhost/users/bob/inbox"

    static var bytes: [UInt8] {
        let (start, end) = (Array(start.utf8), Array(end.utf8))
        let content = [UInt8](
            repeating: UInt8(ascii: "."), count: byteCount - start.count - end.count)
        return start + content + end
    }

    private static let note = actor + "/statuses/115518204771093662"

    private static let start = """
        {"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#",\
        "atomUri":"ostatus:atomUri","inReplyToAtomUri":"ostatus:inReplyToAtomUri",\
        "conversation":"ostatus:conversation","sensitive":"as:sensitive",\
        "toot":"http://joinmastodon.org/ns#","votersCount":"toot:votersCount",\
        "Hashtag":"as:Hashtag"}],"id":"\(id)","type":"Create","actor":"\(actor)",\
        "published":"2026-11-22T12:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],\
        "cc":["\(actor)/followers","https://h1.fedi.localhost/users/bob"],"object":{"id":"\(note)",\
        "type":"Note","summary":null,"inReplyTo":null,"published":"2026-11-22T12:00:00Z",\
        "url":"https://social.fedi.localhost/@alice/115518204771093662","attributedTo":"\(actor)",\
        "to":["https://www.w3.org/ns/activitystreams#Public"],\
        "cc":["\(actor)/followers","https://h1.fedi.localhost/users/bob"],"sensitive":false,\
        "atomUri":"\(note)","inReplyToAtomUri":null,\
        "conversation":"https://social.fedi.localhost/contexts/114901220483771-1155",\
        "tag":[{"type":"Mention","href":"https://h1.fedi.localhost/users/bob",\
        "name":"@bob@h1.fedi.localhost"},{"type":"Hashtag",\
        "href":"https://social.fedi.localhost/tags/saltmarsh","name":"#saltmarsh"}],\
        "replies":{"id":"\(note)/replies","type":"Collection","first":{"type":"CollectionPage",\
        "next":"\(note)/replies?only_other_accounts=true&page=true","partOf":"\(note)/replies",\
        "items":[]}},"content":"<p>
        """

    private static let end = #"</p>"}}"#
}

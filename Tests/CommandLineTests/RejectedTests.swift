import Foundation
import RedisQueue
import Testing

/// `trunkline rejected`: the entries as the workers set them aside.
@Suite(.pool) struct RejectedTests {
    @Test func `entries are shown with their reason, the newest first`() throws {
        let tenant = try Pool.required.tenant()
        #expect(try tenant.run("rejected").output == "nothing was rejected\n")
        let redis = try tenant.redis()
        for number in 1...3 {
            try redis.command([
                "XADD", redis.keys.rejected, "*", "lane", "bulk", "id", "\(number)-0", "at",
                "1763690000123", "code", "not-json", "reason", "reason \(number)", "field:id",
                "mine", "field:activity", "{",
            ])
        }
        let json = try tenant.run("rejected", "--json").json()
        #expect(json["total"] as? Int == 3)
        let entries = try #require(json["entries"] as? [[String: Any]])
        #expect(entries.map { $0["id"] as? String } == ["3-0", "2-0", "1-0"])
        #expect(
            Set(entries[0].keys) == ["id", "lane", "at", "code", "reason", "activity", "fields"])
        #expect(entries[0]["at"] as? String == "2025-11-21T01:53:20.123Z")
        #expect(entries[0]["fields"] as? [String: String] == ["id": "mine", "activity": "{"])
        let text = try tenant.run("rejected", "--limit", "1").output
        #expect(text.contains("reason 3") && !text.contains("reason 2"))
        #expect(text.contains("... and 2 more"))
    }

    @Test(arguments: [
        (
            #"{"type":"Note","object":{"id":"x"},"id" : "https:\/\/a.example\/1","#,
            "https://a.example/1"
        ),
        (
            #"{"@context":["id"],"summary":"\"id\":","id":"https://a.example/2","x"#,
            "https://a.example/2"
        ),
        (#"{"id":"https://a.example/"#, nil), (#"{"id":5}"#, nil), (#"{"object":{"id":"x"}}"#, nil),
        ("{", nil), ("", nil),
    ])
    func `the activity's id is shown where the body has one`(body: String, id: String?) throws {
        let tenant = try Pool.required.tenant()
        let redis = try tenant.redis()
        try redis.command([
            "XADD", redis.keys.rejected, "*", "code", "c", "reason", "r", "field:activity", body,
        ])
        let json = try tenant.run("rejected", "--json").json()
        let entries = try #require(json["entries"] as? [[String: Any]])
        #expect(entries[0]["activity"] as? String == id)
        let text = try tenant.run("rejected").output
        #expect(text.contains("ACTIVITY") && text.contains("  \(id ?? "-")  "), "\(text)")
    }
}

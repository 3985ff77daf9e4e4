import FaultHarness
import Testing

extension EndToEnd.OnePool {
    /// Main servers in other languages.
    @Suite(.serialized) struct ProducerTests {
        @Test func `a producer in Python needs one XADD`() throws {
            let federation = try Federation.current
            let python = try Python(["redis"], in: federation.scratch)
            let note = Note("python")
            let inbox = federation.sink.inbox("python")
            try python.run(
                """
                import json, redis, sys
                queue = redis.Redis(unix_socket_path=sys.argv[1])
                queue.xadd("trunkline:{intake}:normal", {
                    "activity": sys.argv[2],
                    "key": sys.argv[3],
                    "to": json.dumps([sys.argv[4]]),
                })
                """,
                [
                    federation.scratch.file("s/redis.sock"), note.body, federation.sender.keyID,
                    inbox,
                ])
            try Poll.until("it is delivered", within: .seconds(20)) {
                try federation.pool.delivery(Pair(activity: note.id, inbox: inbox))?.state
                    == "delivered"
            }
            #expect(try federation.sink.report().badSignatures.isEmpty)
        }
    }
}

import FaultHarness
import Glibc
import Testing

extension EndToEnd {
    /// What `run --embedded` brings along.
    @Suite(.serialized) struct EmbeddedTests {
        @Test func `an embedded server that dies is started again, and delivery goes on`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                for (server, file) in [
                    ("Redis", "redis/redis.pid"), ("PostgreSQL", "postgres/postmaster.pid"),
                ] {
                    let lines = contents(of: federation.scratch.file("s/\(file)"))
                        .split(separator: "\n")
                    let pid = try #require(lines.first.flatMap { Int32($0) })
                    try #require(kill(pid, SIGKILL) == 0)
                    try Poll.until("it is back: \(contents(of: pool.log))", within: .seconds(60)) {
                        contents(of: pool.log).contains("the embedded \(server) is back")
                    }
                    let death = "the embedded \(server) was killed by signal 9 (Killed)"
                    #expect(contents(of: pool.log).contains(death))
                    let sent = try federation.send(["after-\(server)"], to: [sink.inbox("kept")])
                    try Poll.until("it is delivered", within: .seconds(60)) {
                        try pool.states(of: sent) == ["delivered": sent.count]
                    }
                }
            }
        }
    }
}

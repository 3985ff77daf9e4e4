import Glibc
import Supervision
import Testing

@Suite struct EmbeddedRedisTests {
    let scratch = Scratch()

    private func ask(_ server: EmbeddedRedis, _ words: String...) throws -> String {
        try scratch.run("/usr/bin/redis-cli", ["-s", server.socketPath] + words, as: nil)
    }

    @Test func `data survives a stop and a start`() throws {
        let server = try EmbeddedRedis(directory: scratch.path)
        #expect(try ask(server, "set", "k", "v") == "OK")
        server.stop()
        #expect(!server.isRunning)
        try server.start()
        #expect(try ask(server, "get", "k") == "v")
        server.stop()
    }

    @Test func `a kill and a start keep what the kernel had`() throws {
        let server = try EmbeddedRedis(directory: scratch.path)
        #expect(try ask(server, "set", "k", "v") == "OK")
        server.kill()
        #expect(access(server.socketPath, F_OK) == 0, "a killed server leaves its socket")
        try server.start()
        #expect(try ask(server, "get", "k") == "v")
        server.stop()
    }

    @Test(arguments: [
        ("maxmemory-policy", "noeviction"), ("appendfsync", "everysec"), ("appendonly", "yes"),
        ("stream-node-max-bytes", "1024"), ("port", "0"),
    ])
    func `it is configured for queues`(name: String, value: String) throws {
        let server = try EmbeddedRedis(directory: scratch.path)
        #expect(try ask(server, "config", "get", name) == "\(name)\n\(value)")
        server.stop()
    }

    @Test func `further lines win`() throws {
        let server = try EmbeddedRedis(
            directory: scratch.path, configuration: ["maxmemory 64mb", "appendonly no"])
        #expect(try ask(server, "config", "get", "maxmemory") == "maxmemory\n67108864")
        #expect(try ask(server, "config", "get", "appendonly") == "appendonly\nno")
        server.stop()
    }

    @Test func `a directory is for one at a time`() throws {
        let server = try EmbeddedRedis(directory: scratch.path)
        #expect(throws: EmbeddedServiceError.inUse(directory: scratch.path)) {
            try EmbeddedRedis(directory: scratch.path)
        }
        #expect(server.isRunning)
        server.stop()
    }

    @Test func `a server that its supervisor left behind is stopped`() throws {
        let server = try EmbeddedRedis(directory: scratch.path)
        server.stop()
        // Started by hand, as if its supervisor had gone.
        let stray = try ChildProcess(
            Command(
                path: "/usr/bin/redis-server", arguments: [scratch.file("redis/redis.conf")],
                output: .appended(to: scratch.file("stray.log"))))
        try eventually { (try? ask(server, "set", "k", "v")) == "OK" }
        try server.start()
        #expect(stray.wait() == .exited(0), "it was asked, and wrote everything out")
        #expect(try ask(server, "get", "k") == "v")
        server.stop()
    }

    @Test func `odd characters in a directory's name do no harm`() throws {
        let directory = scratch.file(#"a "b" \ü 'c'"#)
        let server = try EmbeddedRedis(directory: directory)
        #expect(try ask(server, "ping") == "PONG")
        try server.restart()
        #expect(try ask(server, "ping") == "PONG")
        server.stop()
    }

    @Test func `a path too long for a socket is refused with the limit`() {
        let directory = scratch.file(String(repeating: "d", count: 80))
        let error = #expect(throws: EmbeddedServiceError.self) {
            try EmbeddedRedis(directory: directory)
        }
        #expect(error == .pathTooLong(directory, limit: 93))
        #expect(error?.description.contains("--state-directory") == true)
    }

    @Test func `a setting that Redis refuses is shown in its words`() {
        let error = #expect(throws: EmbeddedServiceError.self) {
            try EmbeddedRedis(directory: scratch.path, configuration: ["no-such-setting 1"])
        }
        #expect(error?.description.contains("no-such-setting") == true)
    }

    @Test func `forgotten, it is killed`() throws {
        let pid = try #require(EmbeddedRedis(directory: scratch.path).process?.pid)
        #expect(!exists(pid))
    }
}

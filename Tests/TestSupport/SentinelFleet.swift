/// A primary, its replicas, and sentinels that watch over them.

import Foundation
import RedisQueue

package final class SentinelFleet {
    package static let service = "trunk"

    package private(set) var servers: [RedisNode] = []
    package private(set) var sentinels: [RedisNode] = []
    private let directory: String

    /// Returns when the sentinels would agree on a failover.
    package init(replicas: Int = 1, sentinels count: Int = 3, password: String? = nil) throws {
        directory = "/tmp/trunkline-sentinel-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        var ports = try freePorts(1 + replicas + count)
        let primary = ports.removeFirst()
        let login = password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
        for port in [primary] + ports.prefix(replicas) {
            let following = port == primary ? [] : ["--replicaof", "127.0.0.1", "\(primary)"]
            servers.append(
                try RedisNode(
                    port: port, in: directory,
                    [
                        "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
                        "--repl-ping-replica-period", "1",
                    ] + login + following))
        }
        try Patience.wait("the replicas follow") {
            try servers[0].command("ROLE").array?.last?.array?.count == replicas
        }
        for port in ports.dropFirst(replicas) {
            sentinels.append(try sentinel(at: port, of: primary, quorum: count / 2 + 1))
        }
        try Patience.wait("the sentinels know each other") {
            try sentinels.allSatisfy { try $0.knows(replicas: replicas, sentinels: count - 1) }
        }
    }

    deinit {
        servers = []
        sentinels = []
        try? FileManager.default.removeItem(atPath: directory)
    }

    package var url: String {
        "redis+sentinel://\(sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))/"
            + "\(Self.service)/0"
    }

    /// The server that takes writes, if there is one just now.
    package var primary: RedisNode? {
        servers.first {
            $0.isRunning && (try? $0.command("ROLE").array?.first?.text) == "master"
        }
    }

    private func sentinel(at port: Int, of primary: Int, quorum: Int) throws -> RedisNode {
        let file = "\(directory)/\(port).conf"
        let lines = """
            sentinel monitor \(Self.service) 127.0.0.1 \(primary) \(quorum)
            sentinel down-after-milliseconds \(Self.service) 500
            sentinel failover-timeout \(Self.service) 3000

            """
        try lines.write(toFile: file, atomically: true, encoding: .utf8)
        return try RedisNode(port: port, in: directory, [file, "--sentinel"])
    }
}

extension RedisNode {
    fileprivate func knows(replicas: Int, sentinels: Int) throws -> Bool {
        let facts = try command("SENTINEL", "MASTER", SentinelFleet.service).array ?? []
        func fact(_ name: String) -> String? {
            facts.firstIndex { $0.text == name }.flatMap { facts[$0 + 1].text }
        }
        return fact("num-slaves") == "\(replicas)"
            && fact("num-other-sentinels") == "\(sentinels)"
    }
}

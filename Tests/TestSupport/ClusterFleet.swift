/// A Redis Cluster of three primaries and, where a failover is tried, a replica for each.

import Foundation
import RedisQueue

package final class ClusterFleet {
    package private(set) var nodes: [RedisNode] = []
    private let directory: String

    /// Returns when every node says that the cluster serves.
    package init(replicas: Bool = false, spares: Int = 0, nodeTimeoutMilliseconds: Int = 1_000)
        throws
    {
        directory = "/tmp/trunkline-cluster-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        let count = (replicas ? 6 : 3) + spares
        let ports = try freePorts(count * 2)
        for place in 0..<count {
            nodes.append(
                try RedisNode(
                    port: ports[place], in: directory,
                    [
                        "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
                        "--cluster-enabled", "yes", "--cluster-port", "\(ports[count + place])",
                        "--cluster-node-timeout", "\(nodeTimeoutMilliseconds)",
                        "--cluster-replica-validity-factor", "0",
                    ]))
        }
        for (place, range) in ["0 5460", "5461 10922", "10923 16383"].enumerated() {
            try nodes[place].client().command(
                ["CLUSTER", "ADDSLOTSRANGE"] + range.split(separator: " ").map(String.init))
        }
        for (place, node) in nodes.enumerated() {
            try node.command("CLUSTER", "SET-CONFIG-EPOCH", "\(place + 1)")
        }
        for (place, node) in nodes.enumerated().dropFirst() {
            try nodes[0].command(
                "CLUSTER", "MEET", "127.0.0.1", "\(node.port)", "\(ports[count + place])")
        }
        try Patience.wait("the nodes know each other") {
            try nodes.allSatisfy { try $0.clusterFact("cluster_known_nodes") == "\(count)" }
        }
        if replicas {
            for place in 3..<6 {
                let primary = try nodes[place - 3].nodeID
                try Patience.wait("node \(place) knows its primary") {
                    (try? nodes[place].command("CLUSTER", "REPLICATE", primary)) != nil
                }
            }
            try Patience.wait("the replicas follow") {
                try nodes[3..<6].allSatisfy { try $0.follows() }
            }
        }
        try awaitServing()
    }

    deinit {
        nodes = []
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Names the nodes that were primaries in the beginning.
    package var url: String { url(naming: nodes.prefix(3)) }

    /// Names all nodes.
    package var wholeURL: String { url(naming: nodes[...]) }

    private func url(naming nodes: ArraySlice<RedisNode>) -> String {
        "redis+cluster://" + nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    /// Every node that runs says that all slots are served.
    package func awaitServing() throws {
        try Patience.wait("the cluster serves") {
            try nodes.filter(\.isRunning).allSatisfy {
                try $0.clusterFact("cluster_state") == "ok"
            }
        }
    }

    /// The primary of the key's slot.
    package func owner(of key: String) throws -> RedisNode {
        let slot = try slot(of: key)
        let ranges = try nodes.first(where: \.isRunning)?.command("CLUSTER", "SLOTS").array ?? []
        for range in ranges {
            guard let parts = range.array, let first = parts[0].integer,
                let last = parts[1].integer, (first...last).contains(slot),
                let port = parts[2].array?[1].integer,
                let node = nodes.first(where: { $0.port == Int(port) })
            else { continue }
            return node
        }
        throw RedisNode.Failure(description: "nobody has slot \(slot)")
    }

    package func slot(of key: String) throws -> Int64 {
        try nodes.first(where: \.isRunning)?.command("CLUSTER", "KEYSLOT", key).integer ?? -1
    }

    /// Begins to move the key's slot: clients are told ASK for what has gone ahead.
    package func beginMove(of key: String, to target: RedisNode) throws -> SlotMove {
        let source = try owner(of: key)
        let slot = "\(try slot(of: key))"
        try target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.nodeID)
        try source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.nodeID)
        return SlotMove(
            slot: slot, nodes: nodes.filter(\.isRunning), source: source, target: target)
    }

    /// A slot on its way.
    package struct SlotMove {
        let slot: String
        let nodes: [RedisNode]
        package let source: RedisNode
        package let target: RedisNode

        /// Moves the keys that are there now.
        package func moveKeys() throws {
            while case let keys = try source.command("CLUSTER", "GETKEYSINSLOT", slot, "10").array
                ?? [], !keys.isEmpty
            {
                for key in keys.compactMap(\.text) {
                    try source.command(
                        "MIGRATE", "127.0.0.1", "\(target.port)", key, "0", "5000")
                }
            }
        }

        /// From here on clients are told MOVED. What came meanwhile is moved first.
        ///
        /// Returns when all nodes agree: of two moves at once the later could take the slot of the
        /// earlier back, for good, by an epoch that its node had not heard of.
        package func finish() throws {
            try moveKeys()
            let id = try target.nodeID
            try target.command("CLUSTER", "SETSLOT", slot, "NODE", id)
            for node in nodes where node.port != target.port {
                try node.command("CLUSTER", "SETSLOT", slot, "NODE", id)
            }
            try Patience.wait("all nodes agree on slot \(slot)") {
                let epochs = try Set(nodes.map { try $0.clusterFact("cluster_current_epoch") })
                let maps = try nodes.map { try $0.command("CLUSTER", "SLOTS").array ?? [] }
                return epochs.count == 1
                    && maps.allSatisfy { Set($0.map(\.owned)) == Set(maps[0].map(\.owned)) }
            }
        }
    }
}

extension RedisReply {
    /// Of a range in CLUSTER SLOTS: its ends, and its primary's port.
    fileprivate var owned: [Int64?] {
        [array?[0].integer, array?[1].integer, array?[2].array?[1].integer]
    }
}

extension RedisNode {
    package var nodeID: String {
        get throws { try command("CLUSTER", "MYID").text ?? "" }
    }

    func clusterFact(_ name: String) throws -> String? {
        fact(name, in: try command("CLUSTER", "INFO"))
    }

    /// It is a replica, and has all that its primary has but the last moments.
    package func follows() throws -> Bool {
        try replicationFact("master_link_status") == "up"
    }

    /// Its replica has confirmed all that it has. `WAIT` asks for what its own connection has written.
    package func isReplicated() throws -> Bool {
        guard let written = try replicationFact("master_repl_offset") else { return false }
        return try replicationFact("slave0")?.contains(",offset=\(written),") == true
    }

    func replicationFact(_ name: String) throws -> String? {
        fact(name, in: try command("INFO", "replication"))
    }

    private func fact(_ name: String, in reply: RedisReply) -> String? {
        reply.text?.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}

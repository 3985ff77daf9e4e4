import Glibc
import Supervision

/// Network namespaces that stand for machines: each has its own loopback, and one cable to where
/// Redis and PostgreSQL are.
///
/// Named for our process, in the addresses that are set apart for tests of networks (RFC 2544).
final class Machines {
    let count: Int
    /// Where Redis and PostgreSQL listen, at their usual ports.
    let serviceAddress: String
    private let name: String
    private let network: String
    private let password = String(UInt64.random(in: .min ... .max), radix: 36)

    /// - Throws: ``Fault/Skipped`` where namespaces are not permitted.
    init(count: Int) throws {
        self.count = count
        name = "tl\(getpid())"
        network = "198.18.\(getpid() % 256)"
        serviceAddress = "\(network).1"
        do {
            try ip("address", "add", "\(serviceAddress)/32", "dev", "lo")
            for machine in 0..<count { try add(machine) }
        } catch let refusal as Program.Failure {
            remove()
            throw Fault.Skipped(reason: "needs root, for network namespaces", words: "\(refusal)")
        }
    }

    deinit { remove() }

    func namespace(_ machine: Int) -> String { "\(name)-\(machine)" }

    /// Pulls its cable, or plugs it in again.
    func connect(_ machine: Int, _ isConnected: Bool) throws {
        try ip("link", "set", cable(machine), isConnected ? "up" : "down")
    }

    private func cable(_ machine: Int) -> String { "\(name)v\(machine)" }

    private func add(_ machine: Int) throws {
        let space = namespace(machine)
        let (here, there) = ("\(network).\(machine * 4 + 5)", "\(network).\(machine * 4 + 6)")
        try ip("netns", "add", space)
        try ip(
            "link", "add", cable(machine), "type", "veth", "peer", "name", "eth0", "netns", space)
        try ip("address", "add", "\(here)/30", "dev", cable(machine))
        try ip("link", "set", cable(machine), "up")
        try ip("-n", space, "link", "set", "lo", "up")
        try ip("-n", space, "address", "add", "\(there)/30", "dev", "eth0")
        try ip("-n", space, "link", "set", "eth0", "up")
        try ip("-n", space, "route", "add", "default", "via", here)
    }

    private func remove() {
        for machine in 0..<count {
            // The cable goes with one of its ends.
            _ = try? ip("link", "delete", cable(machine))
            _ = try? ip("netns", "delete", namespace(machine))
        }
        _ = try? ip("address", "delete", "\(serviceAddress)/32", "dev", "lo")
    }

    private func ip(_ arguments: String...) throws {
        try Program.run("/usr/sbin/ip", arguments)
    }
}

/// Whoever else is on this machine reaches the addresses, too: so both ask for a password.
extension Machines {
    /// Lines of redis.conf: without a login there is nothing but `PING`.
    var redisConfiguration: [String] {
        [
            "port 6379", "bind \(serviceAddress)", "protected-mode no",
            "user default on nopass resetkeys resetchannels -@all +ping",
            "user \(Self.user) on >\(password) ~* &* +@all",
        ]
    }

    /// Who may come from where, as PostgreSQL reads it.
    var postgresAccess: String {
        """
        local all all peer
        host all all \(network).0/24 scram-sha-256

        """
    }

    /// What gives our role its password, to be said on the socket.
    var postgresLogin: String { "alter role current_user password '\(password)'" }

    var services: Pool.Services {
        .external(
            redis: "redis://\(Self.user):\(password)@\(serviceAddress):6379/0",
            database: "host=\(serviceAddress) dbname=trunkline password=\(password)")
    }

    private static let user = "trunkline"
}

/// A cluster for those who may wait: each command goes to the node that has its keys.

internal import DeliveryCore
internal import Glibc

final class BlockingCluster {
    private static let pauseMilliseconds: Int32 = 50

    /// A class, because a dictionary takes only what can be copied.
    private final class Node {
        let connection: BlockingConnection
        init(_ connection: consuming BlockingConnection) { self.connection = connection }
    }

    private let endpoint: RedisEndpoint
    private let seeds: [ServerAddress]
    private let timeout: Duration
    private var map = SlotMap()
    private var nodes: [ServerAddress: Node] = [:]

    /// Asks the nodes in turn until one of them knows who has which slot.
    init(
        endpoint: RedisEndpoint, seeds: [ServerAddress], timeout: Duration
    ) throws(RedisFailure) {
        self.endpoint = endpoint
        self.seeds = seeds
        self.timeout = timeout
        let deadline = ContinuousClock.now + timeout
        while true {
            do throws(RedisFailure) {
                try survey()
                return
            } catch {
                guard case .disconnected = error, ContinuousClock.now < deadline else {
                    throw error
                }
            }
            poll(nil, 0, Self.pauseMilliseconds)
        }
    }

    var primaries: [ServerAddress] { map.primaries }

    /// A pipeline to each node: every reply is read, then the first error is thrown.
    func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        var replies = [RedisReply](repeating: .null, count: commands.count)
        var places: [ServerAddress: [Int]] = [:]
        for (place, command) in commands.enumerated() {
            places[try address(for: command), default: []].append(place)
        }
        for (address, places) in places {
            let answers = try node(address).connection.exchange(places.map { commands[$0] })
            for (place, answer) in zip(places, answers) { replies[place] = answer }
        }
        let deadline = ContinuousClock.now + timeout
        for place in commands.indices {
            let address = try address(for: commands[place])
            replies[place] = try settle(replies[place], commands[place], at: address, deadline)
        }
        for reply in replies { _ = try reply.checked.get() }
        return replies
    }

    /// One command to this very node.
    func perform(
        _ command: RedisCommand, at address: ServerAddress
    ) throws(RedisFailure) -> RedisReply {
        try node(address).connection.perform([command])[0]
    }

    /// Sends on what was redirected, and so has not been performed.
    private func settle(
        _ reply: RedisReply, _ command: RedisCommand, at address: ServerAddress,
        _ deadline: ContinuousClock.Instant
    ) throws(RedisFailure) -> RedisReply {
        var (reply, address) = (reply, address)
        while case .failure(let failure) = reply.checked,
            let redirection = Redirection(failure, asked: address), ContinuousClock.now < deadline
        {
            var prefix: [RedisCommand] = []
            switch redirection {
            case .moved(let slot, let owner):
                map.move(slot, to: owner)
                address = owner
            case .ask(let other):
                address = other
                prefix = [RedisCommand("ASKING")]
            case .tryAgain, .down:
                poll(nil, 0, Self.pauseMilliseconds)
                // Whoever is asked meanwhile may know better.
                try? survey()
                address = try self.address(for: command)
            }
            let answers = try node(address).connection.exchange(prefix + [command])
            reply = answers[prefix.count]
        }
        return reply
    }

    private func address(for command: RedisCommand) throws(RedisFailure) -> ServerAddress {
        if let slot = command.slot {
            guard let owner = map[slot] else {
                throw .disconnected("no node of the cluster has slot \(slot.number)")
            }
            return owner
        }
        return map.primaries.first ?? seeds[0]
    }

    private func node(_ address: ServerAddress) throws(RedisFailure) -> Node {
        if let node = nodes[address] { return node }
        let node = Node(try .open(endpoint.target(at: address), timeout: timeout))
        nodes[address] = node
        return node
    }

    private func survey() throws(RedisFailure) {
        var failures: [(address: ServerAddress, failure: RedisFailure)] = []
        for address in map.primaries + seeds {
            do throws(RedisFailure) {
                let replies = try node(address).connection.perform(ClusterSurvey.questions)
                let survey = try ClusterSurvey(replies, asked: address)
                guard survey.isServing, survey.map.isComplete else {
                    throw .disconnected("it says that the cluster is down")
                }
                map = survey.map
                return
            } catch {
                nodes[address] = nil
                failures.append((address, error))
            }
        }
        let words = failures.map { "\($0.address): \($0.failure.words)" }.joined(separator: "; ")
        for (_, failure) in failures {
            if case .refused = failure { throw .refused(words) }
        }
        throw .disconnected(words)
    }
}

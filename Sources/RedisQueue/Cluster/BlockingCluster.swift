/// A cluster for those who may wait: each command goes to the node that has its keys.

internal import DeliveryCore
internal import Glibc

final class BlockingCluster {
    private static let pauseMilliseconds: Int32 = 50
    /// Of a connection to one node: the others are not to wait for one that is silent.
    private static let openingTime: Duration = .seconds(1)

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

    /// A pipeline to each node: every reply is read, then the first failure is thrown.
    func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        var replies: [RedisReply] = []
        for outcome in attempt(commands) { replies.append(try outcome.get()) }
        return replies
    }

    /// A pipeline to each node: what came of each command. A node that is silent costs the others
    /// nothing: all are asked before any is waited for.
    func attempt(_ commands: [RedisCommand]) -> [Result<RedisReply, RedisFailure>] {
        var outcomes = [Result<RedisReply, RedisFailure>](
            repeating: .failure(.disconnected("not sent")), count: commands.count)
        var places: [ServerAddress: [Int]] = [:]
        for (place, command) in commands.enumerated() {
            switch address(for: command) {
            case .success(let address): places[address, default: []].append(place)
            case .failure(let failure): outcomes[place] = .failure(failure)
            }
        }
        for (address, places) in places {
            do throws(RedisFailure) {
                try node(address).connection.submit(places.map { commands[$0] })
            } catch {
                lost(address, error, places[...], &outcomes)
            }
        }
        for (address, places) in places {
            guard let node = nodes[address] else { continue }
            var unanswered = places[...]
            do throws(RedisFailure) {
                while let place = unanswered.first {
                    outcomes[place] = .success(try node.connection.nextReply())
                    unanswered.removeFirst()
                }
            } catch {
                lost(address, error, unanswered, &outcomes)
            }
        }
        let deadline = ContinuousClock.now + timeout
        for (address, places) in places {
            for place in places {
                guard case .success(let reply) = outcomes[place] else { continue }
                do throws(RedisFailure) {
                    outcomes[place] = try settle(reply, commands[place], at: address, deadline)
                        .checked
                } catch {
                    outcomes[place] = .failure(error)
                }
            }
        }
        return outcomes
    }

    /// A connection that broke is of no use any more.
    private func lost(
        _ address: ServerAddress, _ failure: RedisFailure, _ places: ArraySlice<Int>,
        _ outcomes: inout [Result<RedisReply, RedisFailure>]
    ) {
        nodes[address] = nil
        for place in places { outcomes[place] = .failure(failure) }
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
                address = try self.address(for: command).get()
            }
            let answers = try node(address).connection.exchange(prefix + [command])
            reply = answers[prefix.count]
        }
        return reply
    }

    private func address(for command: RedisCommand) -> Result<ServerAddress, RedisFailure> {
        guard let slot = command.slot else { return .success(map.primaries.first ?? seeds[0]) }
        guard let owner = map[slot] else {
            return .failure(.disconnected("no node of the cluster has slot \(slot.number)"))
        }
        return .success(owner)
    }

    private func node(_ address: ServerAddress) throws(RedisFailure) -> Node {
        if let node = nodes[address] { return node }
        let connection = try BlockingConnection.open(
            endpoint.target(at: address), timeout: min(timeout, Self.openingTime))
        connection.allow(timeout)
        let node = Node(connection)
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

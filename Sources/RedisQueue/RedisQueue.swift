/// The worker's side of Redis: intake, partition logs, held queues, leases (DESIGN.md section 3).
///
/// Three connections, because a read that waits blocks its connection: one reads the intake, one
/// the logs, one does everything else (in a cluster: one for each node, and one for each log that is
/// read). Each comes back by itself; what was outstanding on it fails with
/// ``RedisFailure/disconnected(_:)`` and is for the caller to ask again. Every completion is called
/// exactly once, in a later turn of the loop, never inside the call.

package import DeliveryCore
package import EventLoop

package final class RedisQueue {
    package let keys: QueueKeys
    package let incarnation: Incarnation
    let leaseMilliseconds: Int64
    let nextTurn: NextTurn
    let endpoint: RedisEndpoint

    let commands: CommandRoute
    let intakeReader: BlockingReader
    let logReader: LogReading
    /// Only where sentinels say which server is the primary.
    let sentinels: SentinelWatch?
    /// The last hint that was read.
    var hintsReadTo: StreamID?
    /// SHA-1 of each script, as SCRIPT LOAD told it.
    var digests: [RedisScript: [UInt8]] = [:]

    /// Of the three connections to one server.
    var linksDown = 3
    private var told: (isConnected: Bool, reason: String)?

    /// All connections are ready, or not and why; told when either changes.
    package var onStateChange: (_ isConnected: Bool, _ reason: String) -> Void = { _, _ in }

    /// - Parameters:
    ///   - patience: how long a reply may take before its connection counts as dead.
    ///   - random: uniform in 0 ..< 1; spreads the reconnects.
    package init(
        loop: EventLoop, endpoint: RedisEndpoint, keys: QueueKeys = QueueKeys(),
        incarnation: Incarnation, leaseTime: Duration = .seconds(15),
        patience: Duration = .seconds(10),
        random: @escaping () -> Double = { .random(in: 0..<1) }
    ) {
        self.endpoint = endpoint
        self.keys = keys
        self.incarnation = incarnation
        leaseMilliseconds = leaseTime.wholeMilliseconds
        let nextTurn = NextTurn(loop: loop)
        self.nextTurn = nextTurn
        let link = { (purpose: String, target: RedisTarget?) in
            RedisLink(
                loop: loop, target: target, name: "trunkline-\(purpose)", patience: patience,
                nextTurn: nextTurn, random: random)
        }
        if case .cluster(let seeds) = endpoint.place {
            let router = ClusterRouter(
                loop: loop, endpoint: endpoint, seeds: seeds, nextTurn: nextTurn, random: random
            ) { link("commands", $0) }
            commands = .cluster(router)
            logReader = .cluster(
                ClusterLogReader(loop: loop, router: router, nextTurn: nextTurn) {
                    link("logs", nil)
                })
            intakeReader = BlockingReader(loop: loop, link: link("intake", nil), commands: commands)
            sentinels = nil
            return
        }
        let target = endpoint.onlyTarget
        commands = .server(link("commands", target))
        intakeReader = BlockingReader(loop: loop, link: link("intake", target), commands: commands)
        logReader = .server(
            BlockingReader(loop: loop, link: link("logs", target), commands: commands))
        sentinels = endpoint.sentinelService.map {
            SentinelWatch(
                loop: loop, endpoint: endpoint, service: $0, nextTurn: nextTurn, random: random)
        }
    }

    func tell(_ isReady: Bool, _ reason: String) {
        guard told?.isConnected != isReady || told?.reason != reason else { return }
        told = (isReady, reason)
        onStateChange(isReady, reason)
    }

    /// Runs a script by its digest, and sends its text only when Redis does not know it.
    func run(
        _ script: RedisScript, keys: [String], arguments: (inout RedisCommand) -> Void,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        var operands = RedisScript.operands(keys: keys)
        arguments(&operands)
        guard let digest = digests[script] else {
            commands.send(script.evaluation(operands), completion: completion)
            return
        }
        let command = RedisScript.evaluation(digest: digest, operands)
        commands.send(command) { [commands] outcome in
            if case .failure(let failure) = outcome, failure.isRefusal("NOSCRIPT") {
                commands.send(script.evaluation(operands), completion: completion)
            } else {
                completion(outcome)
            }
        }
    }
}

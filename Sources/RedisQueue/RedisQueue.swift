/// The worker's side of Redis: intake, partition logs, held queues, leases (DESIGN.md section 3).
///
/// Three connections, because a read that waits blocks its connection: one reads the intake, one
/// the logs, one does everything else. Each comes back by itself; what was outstanding on it fails
/// with ``RedisFailure/disconnected(_:)`` and is for the caller to ask again. Every completion is
/// called exactly once, in a later turn of the loop, never inside the call.

package import DeliveryCore
package import EventLoop

package final class RedisQueue {
    package let keys: QueueKeys
    package let incarnation: Incarnation
    let leaseMilliseconds: Int64
    private let loop: EventLoop
    let nextTurn: NextTurn

    let commands: RedisLink
    /// The last hint that was read.
    var hintsReadTo: StreamID?
    let intakeReader: BlockingReader
    let logReader: BlockingReader
    /// Only where sentinels say which server is the primary.
    private let sentinels: SentinelWatch?
    private let endpoint: RedisEndpoint
    /// SHA-1 of each script, as SCRIPT LOAD told it.
    private var digests: [RedisScript: [UInt8]] = [:]

    private var linksDown = 3
    private var told: (isConnected: Bool, reason: String)?

    /// All three connections are ready, or not and why; told when either changes.
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
        self.loop = loop
        self.endpoint = endpoint
        self.keys = keys
        self.incarnation = incarnation
        leaseMilliseconds = leaseTime.wholeMilliseconds
        let nextTurn = NextTurn(loop: loop)
        self.nextTurn = nextTurn
        var target: RedisTarget?
        switch endpoint.place {
        case .server(let address):
            target = endpoint.target(at: address)
            sentinels = nil
        case .sentinel(let service):
            sentinels = SentinelWatch(
                loop: loop, endpoint: endpoint, service: service, nextTurn: nextTurn,
                random: random)
        case .cluster: sentinels = nil
        }
        let link = { (purpose: String) in
            RedisLink(
                loop: loop, target: target, name: "trunkline-\(purpose)", patience: patience,
                nextTurn: nextTurn, random: random)
        }
        commands = link("commands")
        intakeReader = BlockingReader(loop: loop, link: link("intake"), commands: commands)
        logReader = BlockingReader(loop: loop, link: link("logs"), commands: commands)
    }

    package func start() {
        commands.prepare = { [weak self] in self?.makeReady($0, completion: $1) }
        for link in links {
            var wasReady = false
            link.onChange = { [weak self] isReady, reason in
                let changed = isReady != wasReady
                wasReady = isReady
                self?.linkChanged(isReady, changed: changed, reason: reason)
            }
            link.start()
        }
        guard let sentinels else { return }
        sentinels.onPrimary = { [weak self] in self?.follow($0) }
        sentinels.onTrouble = { [weak self] reason in
            // A primary that still answers is good enough without them.
            guard let self, linksDown > 0 else { return }
            tell(false, reason)
        }
        sentinels.start()
    }

    /// Closes the connections; fails what is outstanding before it returns.
    package func stop() {
        sentinels?.stop()
        for link in links { link.stop() }
        linksDown = links.count
        nextTurn.runAll()
    }

    private var links: [RedisLink] { [commands, intakeReader.link, logReader.link] }

    private func linkChanged(_ isReady: Bool, changed: Bool, reason: String) {
        if changed { linksDown += isReady ? -1 : 1 }
        if changed && !isReady {
            // All three stay with one server: one lost connection may be a failover.
            for link in links { link.reconnect(because: reason) }
        }
        // While one is still down, another's return is no news.
        if isReady && linksDown > 0 { return }
        tell(isReady, reason)
    }

    /// The sentinels name another primary.
    private func follow(_ address: ServerAddress) {
        let target = endpoint.target(at: address)
        for link in links { link.move(to: target, because: "the primary is now \(address)") }
    }

    private func tell(_ isReady: Bool, _ reason: String) {
        guard told?.isConnected != isReady || told?.reason != reason else { return }
        told = (isReady, reason)
        onStateChange(isReady, reason)
    }

    /// Scripts and groups may be gone after every reconnect: another server, or one that lost its
    /// data.
    private func makeReady(
        _ connection: RedisConnection, completion: @escaping RedisCompletion<Void>
    ) {
        for script in RedisScript.allCases {
            var load = RedisCommand("SCRIPT", "LOAD")
            load.append(script.source)
            connection.send(load) { [weak self] reply in
                guard case .success(let value) = reply else { return }
                self?.digests[script] = value.bytes
            }
        }
        connection.send(createGroups) { completion($0.map { _ in }) }
    }

    var createGroups: RedisCommand {
        var operands = RedisScript.operands(keys: Lane.intake.map(keys.intake))
        operands.append(QueueKeys.group)
        return RedisScript.createGroups.evaluation(operands)
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

/// Sends each command to the node that has its keys, one link per node.
///
/// A node is asked for the state of the cluster once a second, all of them ten times a second while
/// something is wrong. What a node redirects has not been performed, so it is sent on; what was on
/// its way to a node that went fails as disconnected, like everywhere. One primary away means away:
/// most of what a worker does touches many partitions.

internal import DeliveryCore
internal import EventLoop

final class ClusterRouter {
    static let calmInterval: Duration = .seconds(1)
    static let anxiousInterval: Duration = .milliseconds(100)
    /// Of one command; each is a round trip, a try again a pause, too.
    static let redirectionLimit = 16
    static let tryAgainPause: Duration = .milliseconds(20)

    private let loop: EventLoop
    private let endpoint: RedisEndpoint
    private let seeds: [ServerAddress]
    private let makeLink: (RedisTarget) -> RedisLink
    private let random: () -> Double
    private let nextTurn: NextTurn
    private var links: [ServerAddress: RedisLink] = [:]
    private var view = ClusterView()
    /// The primaries that have been told of.
    private var known: Set<ServerAddress> = []
    private var timer: LoopTimer?
    private(set) var isUp = false
    /// What must stand before anybody uses the cluster is under way.
    private var isPreparing = false
    private var lookedAt = 0
    private var retries: [Retry] = []
    private var retryTimer: LoopTimer?

    private struct Retry {
        let command: RedisCommand
        let number: Int
        let completion: RedisCompletion<RedisReply>
    }

    /// Runs on every new connection to a node.
    var prepareNode: (RedisConnection) -> Void = { _ in }
    /// Runs whenever the cluster serves again, before that is told.
    var prepare: (@escaping RedisCompletion<Void>) -> Void = { $0(.success(())) }
    /// It serves, or not and why.
    var onChange: (_ isUp: Bool, _ reason: String) -> Void = { _, _ in }
    /// Slots have other owners.
    var onMove: () -> Void = {}

    init(
        loop: EventLoop, endpoint: RedisEndpoint, seeds: [ServerAddress], nextTurn: NextTurn,
        random: @escaping () -> Double, makeLink: @escaping (RedisTarget) -> RedisLink
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.seeds = seeds
        self.nextTurn = nextTurn
        self.random = random
        self.makeLink = makeLink
    }

    // MARK: Life

    func start() {
        timer = loop.timer { [weak self] in self?.look() }
        retryTimer = loop.timer { [weak self] in self?.sendRetries() }
        for seed in seeds { addLink(to: seed) }
        wait()
    }

    /// Fails what is outstanding before it returns.
    func stop() {
        timer?.cancel()
        timer = nil
        retryTimer?.cancel()
        retryTimer = nil
        isUp = false
        for link in links.values { link.stop() }
        links = [:]
        let unsent = retries
        retries = []
        for retry in unsent { retry.completion(.failure(.disconnected("stopped"))) }
    }

    // MARK: Commands

    /// The primary of the key's slot, once it is known.
    func owner(of key: String) -> RedisTarget? {
        view.map[Slot(key: Array(key.utf8))].map(endpoint.target)
    }

    func send(_ command: RedisCommand, completion: @escaping RedisCompletion<RedisReply>) {
        attempt(command, 1, completion)
    }

    /// A pipeline to each node: all replies in order, or the first failure once every reply is
    /// there.
    func send(
        _ commands: [RedisCommand], completion: @escaping RedisCompletion<[RedisReply]>
    ) {
        let gathering = Gathering(count: commands.count, nextTurn: nextTurn, completion: completion)
        for (index, command) in commands.enumerated() {
            send(command, completion: gathering.part(index))
        }
    }

    /// To this very node, for what is no matter of keys.
    func send(
        _ command: RedisCommand, at node: ServerAddress,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        guard let link = links[node] else { return refuse(completion, "\(node) is no node") }
        link.send(command, completion: completion)
    }

    /// To every primary; all replies, or the first failure.
    func sendToEach(_ command: RedisCommand, completion: @escaping RedisCompletion<[RedisReply]>) {
        let primaries = view.map.primaries
        guard isUp else { return nextTurn.run { completion(.failure(.disconnected("away"))) } }
        let gathering = Gathering(
            count: primaries.count, nextTurn: nextTurn, completion: completion)
        for (place, node) in primaries.enumerated() {
            send(command, at: node, completion: gathering.part(place))
        }
    }

    /// Goes by a redirection that came to somebody else's connection; true if the slot has moved,
    /// else the command may be sent here.
    func heed(_ redirection: Redirection, from node: ServerAddress) -> Bool {
        switch redirection {
        case .moved(let slot, let owner):
            moved(slot, to: owner)
            return true
        case .down(let reason):
            lost(node, reason)
            return true
        case .ask, .tryAgain: return false
        }
    }

    private func attempt(
        _ command: RedisCommand, _ number: Int, _ completion: @escaping RedisCompletion<RedisReply>
    ) {
        let node: ServerAddress?
        if let slot = command.slot { node = view.map[slot] } else { node = anyPrimary }
        guard let node, let link = links[node] else {
            return refuse(completion, "no node is known for this")
        }
        link.send(command) { [weak self] outcome in
            guard case .failure(let failure) = outcome,
                let redirection = Redirection(failure, asked: node)
            else { return completion(outcome) }
            guard let self, number < Self.redirectionLimit else {
                return completion(.failure(.disconnected(failure.words)))
            }
            follow(redirection, from: node, command, number + 1, completion)
        }
    }

    private func follow(
        _ redirection: Redirection, from node: ServerAddress, _ command: RedisCommand,
        _ number: Int, _ completion: @escaping RedisCompletion<RedisReply>
    ) {
        switch redirection {
        case .moved(let slot, let owner):
            moved(slot, to: owner)
            guard links[owner]?.isReady == true else {
                return retry(command, number, completion)
            }
            attempt(command, number, completion)
        case .ask(let other):
            addLink(to: other)
            guard let link = links[other], link.isReady else {
                return retry(command, number, completion)
            }
            // One behind the other on one connection: nothing comes between.
            link.send(RedisCommand("ASKING")) { _ in }
            link.send(command) { [weak self] outcome in
                guard case .failure(let failure) = outcome, let self,
                    Redirection(failure, asked: other) != nil
                else { return completion(outcome) }
                retry(command, number, completion)
            }
        case .tryAgain: retry(command, number, completion)
        case .down(let reason):
            lost(node, reason)
            refuse(completion, reason)
        }
    }

    /// Sends what was told to wait, and what its node is not connected for yet, again soon.
    private func retry(
        _ command: RedisCommand, _ number: Int, _ completion: @escaping RedisCompletion<RedisReply>
    ) {
        retries.append(Retry(command: command, number: number, completion: completion))
        guard retries.count == 1 else { return }
        retryTimer?.start(after: Self.tryAgainPause)
    }

    private func sendRetries() {
        let batch = retries
        retries = []
        for retry in batch { attempt(retry.command, retry.number, retry.completion) }
    }

    private func refuse(_ completion: @escaping RedisCompletion<RedisReply>, _ reason: String) {
        nextTurn.run { completion(.failure(.disconnected(reason))) }
    }

    private var anyPrimary: ServerAddress? {
        view.map.primaries.first { links[$0]?.isReady == true } ?? view.map.primaries.first
    }

    // MARK: The state of the cluster

    private func look() {
        let known = links.filter(\.value.isReady).keys
        if isUp {
            lookedAt += 1
            if let node = known.dropFirst(lookedAt % max(known.count, 1)).first { survey(node) }
        } else {
            for node in known { survey(node) }
        }
        wait()
    }

    private func wait() {
        let interval = isUp ? Self.calmInterval : Self.anxiousInterval
        timer?.start(after: interval * (0.75 + random() / 4))
    }

    private func survey(_ node: ServerAddress) {
        links[node]?.send(ClusterSurvey.questions) { [weak self] outcome in
            guard let self, timer != nil else { return }
            switch outcome.reading({ replies throws(RedisFailure) in
                try ClusterSurvey(replies, asked: node)
            }) {
            case .success(let survey): heard(survey, from: node)
            // Told by its link.
            case .failure(.disconnected): break
            case .failure(let failure): lost(node, failure.words)
            }
        }
    }

    private func heard(_ survey: ClusterSurvey, from node: ServerAddress) {
        if view.heard(survey, from: node) { adoptMap() }
        if !survey.isServing, view.map.primaries.contains(node) || !view.map.isComplete {
            lost(node, "\(node) says that the cluster is down")
        }
        noteChange()
    }

    private func moved(_ slot: Slot, to owner: ServerAddress) {
        guard view.moved(slot, to: owner) else { return }
        addLink(to: owner)
        noteNewPrimary()
        onMove()
        // Others will have moved with it.
        timer?.start(after: .zero)
    }

    /// One link for each primary, and for each seed: somebody must be there to be asked.
    private func adoptMap() {
        for node in view.map.primaries { addLink(to: node) }
        for (node, link) in links where !view.map.primaries.contains(node) {
            if seeds.contains(node) {
                link.reconnect(because: "it is no primary any more")
            } else {
                links[node] = nil
                link.stop()
            }
        }
        noteNewPrimary()
        onMove()
    }

    /// A replica that was promoted may lack what its primary had: whoever relies on us hears that we
    /// were away, and looks, also where it was named to us and has a link. Between primaries that we
    /// know slots move with all they have.
    private func noteNewPrimary() {
        let isNews = !known.isSuperset(of: view.map.primaries)
        known = Set(view.map.primaries)
        guard isUp, isNews || !isWhole else { return }
        isUp = false
        timer?.start(after: .zero)
        onChange(false, "slots have a new primary")
    }

    private func addLink(to node: ServerAddress) {
        guard links[node] == nil, timer != nil else { return }
        let link = makeLink(endpoint.target(at: node))
        links[node] = link
        link.prepare = { [weak self] connection, completion in
            self?.prepareNode(connection)
            completion(.success(()))
        }
        link.onChange = { [weak self] isReady, reason in
            guard let self else { return }
            isReady ? survey(node) : lost(node, "\(node): \(reason)")
        }
        link.start()
    }

    private func lost(_ node: ServerAddress, _ reason: String) {
        view.lost(node)
        guard view.map.primaries.contains(node) || !view.map.isComplete else { return }
        view.forgetEpoch()
        if isUp {
            isUp = false
            timer?.start(after: .zero)
        }
        onChange(false, reason)
    }

    private func noteChange() {
        guard !isUp, !isPreparing, isWhole else { return }
        isPreparing = true
        prepare { [weak self] outcome in
            guard let self else { return }
            isPreparing = false
            if case .failure(let failure) = outcome { onChange(false, failure.words) }
            guard case .success = outcome, isWhole, timer != nil else { return }
            isUp = true
            onChange(true, "connected")
        }
    }

    private var isWhole: Bool {
        view.isServing && view.map.primaries.allSatisfy { links[$0]?.isReady == true }
    }
}

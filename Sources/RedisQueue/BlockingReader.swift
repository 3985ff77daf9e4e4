/// A connection for reads that wait at the server, and a way to end such a wait.

internal import DeliveryCore
internal import EventLoop

final class BlockingReader {
    /// CLIENT UNBLOCK finds nobody while the read is still on its way: asked again after this.
    private static let interruptPause: Duration = .milliseconds(5)
    /// Whoever reads without waiting asks again at once.
    private static let detourPause: Duration = .milliseconds(50)
    /// Longer than a read waits: a node that has not answered by then is left without its answer.
    private static let moveLimit: Duration = .seconds(2)

    /// A read that waits for its turn to be sent elsewhere.
    private struct Detour {
        let timer: LoopTimer
        let completion: RedisCompletion<RedisReply>
    }

    let link: RedisLink
    private let loop: EventLoop
    private let commands: CommandRoute
    private var isReading = false
    /// Counts reads, so that an interrupt does not go on asking when its read is over.
    private var generation = 0
    /// The read that is being interrupted.
    private var interrupted: Int?
    private var interruptTimer: LoopTimer?
    private var detour: Detour?
    /// Where to go once the present read has ended.
    private var destination: (target: RedisTarget, reason: String)?
    private var moveTimer: LoopTimer?

    init(loop: EventLoop, link: RedisLink, commands: CommandRoute) {
        self.loop = loop
        self.link = link
        self.commands = commands
    }

    /// One read at a time: a second one would wait behind the first.
    func read(
        _ command: RedisCommand, blocking: Duration,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        precondition(!isReading, "one blocking read at a time")
        isReading = true
        generation += 1
        link.send(command, blocking: blocking) { [weak self, commands] outcome in
            self?.isReading = false
            if case .cluster(let router) = commands, case .failure(let failure) = outcome,
                let node = self?.link.target?.address,
                let redirection = Redirection(failure, asked: node)
            {
                self?.follow(redirection, from: node, command, router, completion)
            } else {
                self?.go()
                completion(outcome)
            }
        }
    }

    /// The stream has moved, or is about to. Then it is read where it went without waiting, for
    /// this connection must not wait there in its name.
    private func follow(
        _ redirection: Redirection, from node: ServerAddress, _ command: RedisCommand,
        _ router: ClusterRouter, _ completion: @escaping RedisCompletion<RedisReply>
    ) {
        guard !router.heed(redirection, from: node) else {
            go()
            return completion(.failure(.disconnected("the stream has moved")))
        }
        isReading = true
        let timer = loop.startTimer(after: Self.detourPause) { [weak self] in
            self?.detour = nil
            router.send(command.withoutBlocking) { outcome in
                self?.isReading = false
                completion(outcome)
            }
        }
        detour = Detour(timer: timer, completion: completion)
    }

    /// Goes to another node when the read that is under way has ended: its answer may be entries,
    /// and those would stay ours, unknown to us, until they are recovered.
    func move(to target: RedisTarget, because reason: String) {
        destination = (target, reason)
        guard isReading, detour == nil, link.isReady, target != link.target else { return go() }
        let timer = moveTimer ?? loop.timer { [weak self] in self?.go() }
        moveTimer = timer
        timer.start(after: Self.moveLimit)
    }

    private func go() {
        guard let destination else { return }
        self.destination = nil
        moveTimer?.stop()
        link.move(to: destination.target, because: destination.reason)
    }

    /// Fails what is outstanding before it returns.
    func stop() {
        moveTimer?.stop()
        destination = nil
        link.stop()
        guard let detour else { return }
        self.detour = nil
        detour.timer.cancel()
        isReading = false
        detour.completion(.failure(.disconnected("stopped")))
    }

    /// Ends a waiting read soon, with an empty result. Does nothing when there is none.
    func interrupt() {
        guard isReading else { return }
        let isUnderWay = interrupted != nil
        interrupted = generation
        if !isUnderWay { unblock() }
    }

    private func unblock() {
        guard isReading, let target = interrupted, target == generation,
            let client = link.clientID
        else {
            interrupted = nil
            return
        }
        var command = RedisCommand("CLIENT", "UNBLOCK")
        command.append(client)
        commands.send(command, beside: link) { [weak self] in self?.unblocked(target, $0) }
    }

    private func unblocked(_ target: Int, _ outcome: Result<RedisReply, RedisFailure>) {
        if case .success(.integer(0)) = outcome {
            let timer = interruptTimer ?? loop.timer { [weak self] in self?.unblock() }
            interruptTimer = timer
            timer.start(after: Self.interruptPause)
        } else if interrupted == target {
            // Done; or Redis is away, and the read ends by itself.
            interrupted = nil
        } else {
            unblock()
        }
    }
}

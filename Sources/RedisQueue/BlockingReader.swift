/// A connection for reads that wait at the server, and a way to end such a wait.

internal import DeliveryCore
internal import EventLoop

final class BlockingReader {
    /// CLIENT UNBLOCK finds nobody while the read is still on its way: asked again after this.
    private static let interruptPause: Duration = .milliseconds(5)

    let link: RedisLink
    private let loop: EventLoop
    private let commands: RedisLink
    private var isReading = false
    /// Counts reads, so that an interrupt does not go on asking when its read is over.
    private var generation = 0
    /// The read that is being interrupted.
    private var interrupted: Int?
    private var interruptTimer: LoopTimer?

    init(loop: EventLoop, link: RedisLink, commands: RedisLink) {
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
        link.send(command, blocking: blocking) { [weak self] outcome in
            self?.isReading = false
            completion(outcome)
        }
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
        commands.send(command) { [weak self] in self?.unblocked(target, $0) }
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

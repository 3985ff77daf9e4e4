/// A place at one log: a connection to the node that has it, and a read that waits there.

internal import DeliveryCore
internal import EventLoop

final class LogSeat {
    private struct Wish {
        var after: StreamID
        var count: Int
        var milliseconds: Int
    }

    /// A stream on its way to another node is asked for there without waiting, so often.
    private static let detourPause: Duration = .milliseconds(50)

    private let loop: EventLoop
    private let key: String
    private let router: ClusterRouter
    private let link: RedisLink
    private var wish: Wish?
    /// What the read that is under way asks for. XREAD changes nothing, so one that is no longer
    /// wanted ends by itself, and its answer is dropped.
    private var underWay: StreamID?
    /// What has come, and nobody has taken.
    private(set) var found: RedisReply?
    private var detour: LoopTimer?
    private var isStopped = false

    var onFound: () -> Void = {}
    /// What neither another try nor another node helps against.
    var onFailure: (RedisFailure) -> Void = { _ in }

    init(loop: EventLoop, key: String, router: ClusterRouter, link: RedisLink) {
        self.loop = loop
        self.key = key
        self.router = router
        self.link = link
        link.onChange = { [weak self] isReady, _ in if isReady { self?.ask() } }
        settle()
        link.start()
    }

    static func read(key: String, after: StreamID, count: Int, block: Int = 0) -> RedisCommand {
        var command = RedisCommand("XREAD", "COUNT")
        command.append(count)
        command.appendBlock(milliseconds: block)
        command.append("STREAMS")
        command.append(key)
        command.append(after.description)
        return command
    }

    /// Waits for what comes after this id, also when the time is up with nothing found: whoever
    /// reads on finds the wait under way.
    func wait(after: StreamID, count: Int, milliseconds: Int) {
        wish = Wish(after: after, count: count, milliseconds: milliseconds)
        ask()
    }

    /// For a worker that has just read, and will again.
    func drop() { found = nil }

    /// The cluster serves again: it is not waited until this connection's next attempt, which may be
    /// seconds away.
    func hasten() { link.hasten() }

    /// Goes to the node that has the log by now.
    func settle() {
        guard let owner = router.owner(of: key) else { return }
        link.move(to: owner, because: "the log is at \(owner.address)")
    }

    func stop() {
        isStopped = true
        detour?.cancel()
        detour = nil
        link.stop()
    }

    private func ask() {
        guard !isStopped, underWay == nil, found == nil, detour == nil, link.isReady, let wish
        else { return }
        underWay = wish.after
        let command = Self.read(
            key: key, after: wish.after, count: wish.count, block: wish.milliseconds)
        link.send(command, blocking: .milliseconds(wish.milliseconds)) { [weak self] in
            self?.answered($0)
        }
    }

    private func answered(_ outcome: Result<RedisReply, RedisFailure>) {
        guard let asked = underWay else { return }
        underWay = nil
        switch outcome {
        case .success(.null): ask()
        case .success(let reply):
            guard asked == wish?.after else { return ask() }
            found = reply
            onFound()
        // Asked again once there is a connection again.
        case .failure(.disconnected): break
        case .failure(let failure): refused(failure)
        }
    }

    private func refused(_ failure: RedisFailure) {
        guard let node = link.target?.address,
            let redirection = Redirection(failure, asked: node)
        else { return onFailure(failure) }
        // A log that has moved: the router has told us by now where to go.
        guard !router.heed(redirection, from: node) || link.target?.address == node else { return }
        detour = loop.startTimer(after: Self.detourPause) { [weak self] in
            guard let self, let wish else { return }
            detour = nil
            underWay = wish.after
            router.send(Self.read(key: key, after: wish.after, count: wish.count)) { [weak self] in
                self?.detoured($0)
            }
        }
    }

    /// Nothing yet, or no answer: the node that should have the log is asked again.
    private func detoured(_ outcome: Result<RedisReply, RedisFailure>) {
        if case .success = outcome { return answered(outcome) }
        underWay = nil
        ask()
    }
}

/// Asks every sentinel once a second who the primary is.
///
/// Asking, and not their `+switch-master` channel, because an answer heals what was missed: a
/// subscription that breaks at the moment of the failover says nothing ever. It costs each sentinel
/// two commands a second and worker; an old primary that still answers is left within a second or
/// two of its successor's promotion.

internal import DeliveryCore
internal import EventLoop

final class SentinelWatch {
    /// Of which a quarter is drawn, so that workers do not ask all at once.
    static let interval: Duration = .seconds(1)

    private let loop: EventLoop
    private let service: SentinelService
    private let random: () -> Double
    private let links: [RedisLink]
    private var council: SentinelCouncil
    private var timer: LoopTimer?
    /// Why each sentinel is of no help.
    private var troubles: [Int: String] = [:]

    /// The primary, when it is first known, and whenever it is another one.
    var onPrimary: (ServerAddress) -> Void = { _ in }
    /// No sentinel can say who the primary is.
    var onTrouble: (String) -> Void = { _ in }

    init(
        loop: EventLoop, endpoint: RedisEndpoint, service: SentinelService, nextTurn: NextTurn,
        random: @escaping () -> Double
    ) {
        self.loop = loop
        self.service = service
        self.random = random
        council = SentinelCouncil(sentinels: service.sentinels.count)
        links = service.sentinels.map { address in
            RedisLink(
                loop: loop, target: endpoint.sentinelTarget(at: address, of: service),
                name: "trunkline-watch", patience: .seconds(3), nextTurn: nextTurn, random: random)
        }
    }

    func start() {
        for (place, link) in links.enumerated() {
            link.onChange = { [weak self] isReady, reason in
                isReady ? self?.ask(place) : self?.failed(place, reason)
            }
            link.start()
        }
        timer = loop.timer { [weak self] in self?.askAll() }
        wait()
    }

    func stop() {
        timer?.cancel()
        timer = nil
        for link in links { link.stop() }
    }

    private func askAll() {
        for place in links.indices where links[place].isReady { ask(place) }
        wait()
    }

    private func wait() { timer?.start(after: Self.interval * (0.75 + random() / 4)) }

    private func ask(_ place: Int) {
        links[place].send(SentinelAnswer.questions(service.name)) { [weak self] outcome in
            guard let self else { return }
            let answer = outcome.reading { replies throws(RedisFailure) in
                try SentinelAnswer(replies)
            }
            switch answer {
            case .success(let answer): answered(place, answer)
            // Told by the link.
            case .failure(.disconnected): break
            case .failure(let failure): failed(place, failure.words)
            }
        }
    }

    private func answered(_ place: Int, _ answer: SentinelAnswer) {
        troubles[place] = nil
        if council.heard(answer, from: place) { onPrimary(answer.primary) }
    }

    private func failed(_ place: Int, _ reason: String) {
        council.lost(place)
        troubles[place] = "sentinel \(service.sentinels[place]): \(reason)"
        guard council.voices == 0, troubles.count == links.count else { return }
        onTrouble(troubles.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; "))
    }
}

extension RedisFailure {
    /// As it goes into a sentence.
    var words: String {
        switch self {
        case .disconnected(let reason): reason
        case .fenced: "fenced"
        case .outOfMemory(let reply), .refused(let reply): reply
        case .malformed(let what): "unexpected answer: \(what)"
        }
    }
}

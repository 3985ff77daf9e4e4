/// Runs closures in a later turn of the loop: a completion never runs inside the call that asked
/// for it, also when its outcome is known at once.

internal import EventLoop

final class NextTurn {
    private let loop: EventLoop
    private var work: [() -> Void] = []
    private var timer: LoopTimer?

    init(loop: EventLoop) { self.loop = loop }

    func run(_ closure: @escaping () -> Void) {
        work.append(closure)
        guard work.count == 1 else { return }
        let timer = timer ?? loop.timer { [weak self] in self?.runAll() }
        self.timer = timer
        timer.start(after: .zero)
    }

    func runAll() {
        let batch = work
        work.removeAll()
        for closure in batch { closure() }
    }
}

internal import Dispatch
internal import Glibc

/// SIGTERM and SIGINT as something to wait for. From its making on they end nothing by themselves.
struct StopSignals: Sendable {
    private let stream: AsyncStream<Void>

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.stream = stream
        for number in [SIGTERM, SIGINT] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            // The handler holds its source: it listens as long as the process lives.
            source.setEventHandler { withExtendedLifetime(source) { _ = continuation.yield() } }
            source.resume()
        }
    }

    func wait() async {
        for await _ in stream { return }
    }
}

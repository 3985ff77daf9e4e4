/// An embedded server that is started again whenever it dies, until `stop`.
///
/// Its end is told by its pidfd, so nothing polls. It comes back in its directory, on its socket,
/// where those who have lost it look for it, and is never given up: workers wait, and lose nothing.

internal import Dispatch
package import Logging
internal import Synchronization

package final class KeptServer<Service: EmbeddedService>: Sendable {
    private let service: Mutex<Service>
    private let log: Logger
    /// A start blocks as long as recovery takes: not a thread that others wait for.
    private let queue = DispatchQueue(label: "trunkline.embedded")

    /// - Parameter service: it runs; nobody else may use it any more.
    package init(_ service: sending Service, log: Logger) {
        self.service = Mutex(service)
        self.log = log
        Task { await keep() }
    }

    /// For good. A start that is under way is waited for.
    package func stop() { service.withLock { $0.stop() } }

    private var process: ChildProcess? { service.withLock { $0.process } }

    /// Returns after `stop`.
    private func keep() async {
        var pauses = RestartPause()
        while let process {
            let born = ContinuousClock.now
            let exit = await process.exit()
            if self.process == nil { return }
            var pause = pauses.next(after: born.duration(to: .now))
            report("\(exit) and is started again", pause)
            while let failure = await start(after: pause) {
                pause = pauses.next(after: .zero)
                report("is still away: \(failure)", pause)
            }
            if self.process != nil { log.notice("the embedded \(Service.title) is back") }
        }
    }

    private func report(_ what: String, _ pause: Duration) {
        log.error(
            "the embedded \(Service.title) \(what)",
            metadata: [
                "log": "\(service.withLock { $0.logPath })", "startsAfter": "\(pause)",
            ])
    }

    /// nil: it serves, or was stopped meanwhile.
    private func start(after pause: Duration) async -> EmbeddedServiceError? {
        let seconds: Double = pause / .seconds(1)
        return await withCheckedContinuation { continuation in
            queue.asyncAfter(deadline: .now() + seconds) {
                continuation.resume(returning: self.start())
            }
        }
    }

    private func start() -> EmbeddedServiceError? {
        service.withLock { service in
            guard service.process != nil else { return nil }
            do throws(EmbeddedServiceError) {
                try service.start()
            } catch {
                return error
            }
            return nil
        }
    }
}

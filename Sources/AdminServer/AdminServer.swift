/// The HTTP server for operators and orchestrators: health, readiness, metrics.
///
/// It has no authentication and shows no secrets; it changes nothing. Bind it to an address that
/// only the scraper and the orchestrator reach.

internal import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore

package struct AdminServer: Sendable {
    /// Scrapers and probes are few; what comes beyond this waits.
    static let connectionLimit = 64
    /// A kept-alive connection without a request for this long is closed.
    static let idleSeconds: Int64 = 60

    private let host: String
    private let port: Int
    private let source: AdminSource
    private let log: Logger

    /// - Parameter port: 0 takes a free one; `run` tells which.
    package init(host: String, port: Int, source: AdminSource, log: Logger) {
        self.host = host
        self.port = port
        self.source = source
        self.log = log
    }

    /// Serves until the task is cancelled. Signals are left alone: they are the supervisor's.
    ///
    /// - Parameter listening: told the port once requests are accepted.
    /// - Throws: ``UnusableAddress`` when it can't be bound.
    package func run(
        listening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) async throws {
        let application = Application(
            router: Self.makeRouter(source),
            server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleSeconds))),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit)),
            onServerRunning: { channel in listening(channel.localAddress?.port ?? port) },
            logger: Logger(label: log.label) { _ in ServerLogHandler(log.handler) })
        do {
            try await application.run()
        } catch is CancellationError {
            return
        } catch {
            throw UnusableAddress(error) ?? error
        }
    }

    static func makeRouter(_ source: AdminSource) -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        addIndex(to: router, source)
        addHealth(to: router)
        addReadiness(to: router, source)
        addMetrics(to: router, source)
        return router
    }
}

import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// The pretend fediverse: thousands of inboxes under `*.fedi.localhost` in one process.
///
/// `start` once, `stop` once.
package actor SinkServer {
    /// The kernel caps it at net.core.somaxconn.
    static let backlog: Int32 = 4_096
    /// How often the rules file is looked at.
    static let rulesInterval = TimeAmount.milliseconds(200)
    /// Tries to find one free port for all addresses.
    static let portTries = 20

    private let configuration: SinkConfiguration
    nonisolated let state: SinkState
    private let group: MultiThreadedEventLoopGroup
    private var listeners: [any Channel] = []
    private var rulesWatch: RepeatedTask?

    /// Reads the rules and the actors; throws `SinkError` when they are missing, or the rules
    /// are bad.
    package init(_ configuration: SinkConfiguration) throws {
        self.configuration = configuration
        let log = SinkLog(format: configuration.logFormat)
        state = try SinkState(
            keys: KeyRing(directory: configuration.actorsDirectory, log: log),
            verifies: configuration.verifies, rulesFile: configuration.rulesFile, log: log)
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads)
    }

    package var report: SinkReport { state.report }

    /// The ports it listens on; connections are taken from here on.
    package func start() async throws -> SinkPorts {
        Self.raiseDescriptorLimit()
        let files = try CertificateFiles(stateDirectory: configuration.stateDirectory)
        let tls = try Self.tlsContext(files, offersHTTP2: configuration.offersHTTP2)
        do {
            let ports = SinkPorts(
                https: try await listen(.https, port: configuration.httpsPort, tls: tls),
                http: try await listen(.http, port: configuration.httpPort, tls: nil))
            watchRules()
            return ports
        } catch {
            await stop()
            throw error
        }
    }

    /// Takes no more, ends every connection, and returns when all threads are gone.
    package func stop() async {
        rulesWatch?.cancel()
        rulesWatch = nil
        for listener in listeners { try? await listener.close() }
        listeners = []
        state.connections.closeAll()
        try? await group.shutdownGracefully()
    }

    /// Reads the rules file now (SIGHUP); bad rules change nothing and are told on standard error.
    package func reloadRules() { state.refreshRules(force: true) }

    // MARK: listening

    /// The port for one scheme on all addresses.
    private func listen(
        _ scheme: Origin.Scheme, port: Int, tls: NIOSSLContext?
    ) async throws -> Int {
        for attempt in 1... {
            var port = port
            var bound: [any Channel] = []
            var tried = ""
            do {
                for address in configuration.addresses {
                    tried = address
                    let listener = try await bind(scheme, address: address, port: port, tls: tls)
                    bound.append(listener)
                    port = listener.localAddress?.port ?? port
                }
                listeners += bound
                return port
            } catch {
                for listener in bound { try? await listener.close() }
                // With several addresses a free port of the first may be taken at the second.
                guard port == 0 || bound.isEmpty == false, attempt < Self.portTries,
                    configuration.addresses.count > 1
                else { throw SinkError(scheme, port: port, address: tried, error) }
            }
        }
        throw SinkError("\(scheme.rawValue): no port")
    }

    private func bind(
        _ scheme: Origin.Scheme, address: String, port: Int, tls: NIOSSLContext?
    ) async throws -> any Channel {
        let pipeline = ConnectionPipeline(
            state: state, scheme: scheme, tls: tls, offersHTTP2: configuration.offersHTTP2)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: Self.backlog)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in pipeline.configure(channel) }
            .bind(host: address, port: port).get()
    }

    private static func tlsContext(
        _ files: CertificateFiles, offersHTTP2: Bool
    ) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        configuration.applicationProtocols = offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }

    /// As many connections as the system lets this process have.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    // MARK: rules

    private func watchRules() {
        guard configuration.rulesFile != nil else { return }
        rulesWatch = group.next().scheduleRepeatedTask(
            initialDelay: Self.rulesInterval, delay: Self.rulesInterval
        ) { [state] _ in state.refreshRules() }
    }
}

extension SinkError {
    /// Why an address cannot be listened on, and the mend.
    fileprivate init(_ scheme: Origin.Scheme, port: Int, address: String, _ error: any Error) {
        let place = "\(scheme.rawValue) port \(port) at \(address)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            self.init(
                "\(place) is taken by another program: choose another with "
                    + "--\(scheme.rawValue)-port, or 0 for any free one")
        case EADDRNOTAVAIL:
            self.init("this machine has no address \(address): correct --address")
        case EACCES:
            self.init("\(place) may not be taken by this user: choose one from 1024 up")
        default:
            self.init(
                error is SocketAddressError.UnknownHost
                    ? "the address \(address) is not found: give a numeric one with --address"
                    : "\(place): \(error)")
        }
    }
}

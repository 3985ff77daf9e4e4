internal import ArgumentParser
internal import Glibc
internal import RedisQueue
internal import SigningKeys
internal import Transport
internal import WorkerRuntime

/// How a pool delivers: what `run` is told and hands on to its workers.
struct PoolOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The host name of the main server: it stands in User-Agent, and inboxes on it get \
            nothing. (env: TRUNKLINE_INSTANCE_DOMAIN)
            """,
            valueName: "name"))
    var instanceDomain: String?

    @Option(
        help: ArgumentHelp(
            "PEM file of the certificate authorities to trust, instead of the system's.",
            valueName: "file"))
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            """
            An address range that may be connected to although it is not public, such as \
            127.0.0.0/8. May be given several times.
            """,
            valueName: "cidr"))
    var allowAddress: [String] = []

    @Flag(help: "Deliver to http:// inboxes too: for tests and closed networks.")
    var allowPlainHttp = false

    @Option(
        help: ArgumentHelp(
            """
            A directory of private keys, asked before PostgreSQL; a file is named after its key \
            id, percent-encoded, with .pem behind it.
            """,
            valueName: "dir"))
    var keyDirectory: String?

    @Option(
        help: ArgumentHelp(
            """
            The library that signs RSA eight at a time, made by deploy/crypto-mb: a file, or auto \
            for \(MultiBufferSigner.standardName) where the system has it, or off.
            """,
            valueName: "auto|off|file"))
    var cryptoMb = SigningLibrary.automatic

    @Option(
        help: ArgumentHelp(
            """
            The table or view in PostgreSQL that named audiences are read from, with the columns \
            audience, inbox and shared_inbox.
            """,
            valueName: "schema.relation"))
    var audienceRelation = PoolOptions.standardAudienceRelation

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Most exchanges under way per worker.", valueName: "count"))
    var slots = 1_000

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Longest that one exchange may take, in seconds. `run` lets a drain take twice that and \
            30 s, and never less than 60 s.
            """,
            valueName: "s"))
    var requestTimeout = 30

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Most memory for connections that are kept open unused, of all workers together, in MB. \
            One takes about 55 kB; beyond it the oldest are closed, and opening one again costs more \
            than a delivery.
            """,
            valueName: "mb"))
    var connectionMemory = 1_024

    @Option(
        help: ArgumentHelp(
            """
            HTTP/2: auto, for hosts that get several deliveries at once; off; or always, wherever \
            a host speaks it.
            """,
            valueName: "auto|off|always"))
    var http2 = HTTP2Use.auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Days of activities and outcomes to keep in PostgreSQL. Older ones are dropped by the \
            day, and never one that still owes a delivery.
            """,
            valueName: "days"))
    var retainDays = 30

    @Option(
        help: ArgumentHelp(
            """
            How long after an activity was stored its deliveries are tried, as 90m, 12h or 3d \
            (default: 3d): for all lanes, or for some, as bulk=12h,backfill=1d. May be given \
            several times.
            """,
            valueName: "time"))
    var retryFor: [RetryTimes] = []

    var retryTimes: RetryTimes { RetryTimes(joining: retryFor) }

    func validate() throws {
        if let objection = retryTimes.objection { throw ValidationError(objection) }
        for range in allowAddress where AddressRange(range) == nil {
            throw ValidationError(
                "--allow-address \(range) is no address range: write 127.0.0.0/8 or ::1/128.")
        }
        guard slots > 0 else { throw ValidationError("--slots takes a number from 1 up.") }
        guard (1...1_000_000).contains(connectionMemory) else {
            throw ValidationError("--connection-memory takes a number of MB from 1 to 1000000.")
        }
        guard (1...36_500).contains(retainDays) else {
            throw ValidationError("--retain-days takes a number of days from 1 to 36500.")
        }
        guard (1...3_600).contains(requestTimeout) else {
            throw ValidationError("--request-timeout takes a number of seconds from 1 to 3600.")
        }
    }

    /// - Throws: ``CommandFailure`` of usage when there is no instance domain.
    func domain() throws -> String {
        guard let name = instanceDomain ?? environment(Self.domainVariable) else {
            throw CommandFailure.usage(
                "which instance is this for? Say it with --instance-domain NAME")
        }
        let domain = name.lowercased()
        guard authority(of: domain) == domain else {
            throw CommandFailure.usage(
                "the instance domain '\(name.printable)' is no name of a host: write it like "
                    + "our.example, without https:// and quotes")
        }
        return domain
    }

    func transport() throws -> TransportConfiguration {
        var transport = TransportConfiguration(
            instanceDomain: try domain(), version: TrunklineVersion.current)
        transport.caFile = caFile
        transport.allowedAddresses = allowAddress.compactMap { AddressRange($0) }
        transport.totalTimeout = .seconds(requestTimeout)
        transport.idleConnectionBytes = connectionMemory * 1_000_000
        transport.http2 = http2
        transport.openConnectionLimit = DescriptorLimit.current.connections(slots: slots)
        return transport
    }

    /// Before workers are started that would all fail for the same reason.
    func checkAuthorities() throws(CommandFailure) {
        do throws(UnusableAuthorities) {
            _ = try Authorities.count(in: caFile ?? Authorities.systemFile)
        } catch {
            throw .failed("\(error); name another file with --ca-file")
        }
    }

    func checkKeyDirectory() throws(CommandFailure) {
        guard let keyDirectory else { return }
        guard let stream = opendir(keyDirectory) else {
            throw .failed(
                "the key directory \(keyDirectory.printable) cannot be read "
                    + "(\(String(cString: strerror(errno)))): correct --key-directory")
        }
        closedir(stream)
    }

    /// The flags that make one of so many workers of this pool.
    ///
    /// - Parameter library: what signs, after it was tried.
    func workerArguments(
        signingWith library: SigningLibrary, workers: Int
    ) throws -> [String] {
        var arguments = [
            "--instance-domain", try domain(), "--audience-relation", audienceRelation,
            "--slots", String(slots), "--request-timeout", String(requestTimeout),
            "--connection-memory", String(max(1, connectionMemory / workers)),
            "--http2", http2.rawValue,
            "--retain-days", String(retainDays), "--retry-for", retryTimes.argument,
            "--crypto-mb", library.argument,
        ]
        if let caFile { arguments += ["--ca-file", caFile] }
        for range in allowAddress { arguments += ["--allow-address", range] }
        if allowPlainHttp { arguments.append("--allow-plain-http") }
        if let keyDirectory { arguments += ["--key-directory", keyDirectory] }
        return arguments
    }

    static let standardAudienceRelation = "trunkline.follower"
    static let domainVariable = "TRUNKLINE_INSTANCE_DOMAIN"
}

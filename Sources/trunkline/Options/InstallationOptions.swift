internal import ArgumentParser

/// What `bench` is told of an installation beside its connection.
struct InstallationOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: ArgumentHelp(
            """
            With an installation: keeps the sink's certificates. Its workers must trust the ca.pem \
            in there. Made when missing.
            """,
            valueName: "dir"))
    var sinkState: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With an installation: where the sink listens for https. (default: any free port)",
            valueName: "port"))
    var sinkPort: Int?

    @Option(
        help: ArgumentHelp(
            """
            With an installation: metrics of a pool, as http://127.0.0.1:9464/metrics, for the \
            workers' CPU by stage. Once for each of its pools.
            """,
            valueName: "url"))
    var metrics: [MetricsPage] = []

    func validate() throws {
        if let sinkPort, !(0...65_535).contains(sinkPort) {
            throw ValidationError("A port is a number from 0 to 65535, not \(sinkPort).")
        }
    }

    /// - Throws: ``CommandFailure`` of usage, when anything is missing.
    func check() throws {
        _ = try connection.redisEndpoint()
        _ = try connection.databaseConnectionString()
        _ = try sinkDirectory()
    }

    /// - Throws: ``CommandFailure`` of usage, when none is given.
    func sinkDirectory() throws(CommandFailure) -> String {
        guard let sinkState else {
            throw .usage(
                "which directory keeps the certificates of the sink? Say it with --sink-state DIR; "
                    + "the workers must trust DIR/ca.pem")
        }
        return absolute(sinkState)
    }

    /// Flags that say something of an installation only.
    var given: [String] {
        var flags: [String] = []
        if sinkState != nil { flags.append("--sink-state") }
        if sinkPort != nil { flags.append("--sink-port") }
        if !metrics.isEmpty { flags.append("--metrics") }
        return flags
    }
}

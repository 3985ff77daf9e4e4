internal import ArgumentParser
internal import Sink

/// `trunkline sink`
struct SinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sink",
        abstract: "Plays the fediverse: takes deliveries for any host name, and checks them.",
        discussion: """
            For tests and benchmarks. It answers for every host one label under fedi.localhost, \
            verifies signatures, keeps count of what came, in which order and how often, and \
            fails as its rules say. It prints `ready https=PORT http=PORT`; SIGTERM ends it, \
            SIGHUP reads the rules again.

              trunkline sink --state-directory sink --https-port 8443 --http-port 8080 \\
                --actors actors &
              trunkline run --embedded --state-directory state \\
                --instance-domain our.example --ca-file sink/ca.pem \\
                --allow-address 127.0.0.0/8
              curl http://localhost:8080/.sink/report

            --rules is a JSON file {"rules": [RULE]}, the first that matches decides: {"host": \
            "h1*", "status": 503, "retryAfter": 30}, {"host": "slow.*", "delay": [50, 200]}, \
            {"probability": 0.1, "reset": true}, {"path": "/users/*", "times": 2, "hang": true}. \
            Without a rule the answer is 202. Over HTTP/2 `reset` resets the one stream; `close` \
            ends the connection, whatever else is under way on it, and `closeAfter` after that, \
            with GOAWAY.

            --actors is a directory of files *.json, each {"keyId": "...", "publicKeyPem": "..."}; \
            `trunkline keys public` prints the PEM.
            """)

    @Option(
        help: ArgumentHelp(
            "Holds ca.pem, server.pem and server-key.pem; made when missing.", valueName: "dir"))
    var stateDirectory: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("0: any free port, told by the line `ready`.", valueName: "port"))
    var httpsPort = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("0: any free port, told by the line `ready`.", valueName: "port"))
    var httpPort = 0

    @Option(
        name: .customLong("address"),
        help: ArgumentHelp(
            "Numeric address to listen on; may be repeated. (default: 127.0.0.1)",
            valueName: "ip"))
    var addresses: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("Threads that serve.", valueName: "n"))
    var threads = 1

    @Option(
        help: ArgumentHelp("How hosts misbehave; read again when it changes.", valueName: "file"))
    var rules: String?

    @Option(
        help: ArgumentHelp(
            "The senders' public keys; without it every key is unknown.", valueName: "dir"))
    var actors: String?

    @Flag(help: "Take requests whatever their signature.")
    var noVerify = false

    @Flag(help: "Speak HTTP/1.1 only; else clients that prefer HTTP/2 get it over TLS.")
    var noHttp2 = false

    @Option(help: ArgumentHelp("Where to write the report at the end (JSON).", valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Form of the log: text or json. (env: TRUNKLINE_LOG_FORMAT; default: text)",
            valueName: "format"))
    var logFormat: LogFormat?

    func validate() throws {
        for port in [httpsPort, httpPort] where !(0...65_535).contains(port) {
            throw ValidationError("A port is a number from 0 to 65535, not \(port).")
        }
        if !(1...64).contains(threads) { throw ValidationError("--threads takes 1 to 64.") }
    }

    func run() async throws {
        DescriptorLimit.raise()
        do {
            try await SinkMain.run(configuration())
        } catch let error as SinkError {
            throw CommandFailure.failed(error.description)
        }
    }

    private func configuration() throws -> SinkConfiguration {
        SinkConfiguration(
            stateDirectory: stateDirectory, httpsPort: httpsPort, httpPort: httpPort,
            addresses: addresses.isEmpty ? ["127.0.0.1"] : addresses, threads: threads,
            rulesFile: rules, actorsDirectory: actors, verifies: !noVerify, offersHTTP2: !noHttp2,
            reportFile: report,
            logFormat: try LogOptions.format(logFormat) == .json ? .json : .text)
    }
}

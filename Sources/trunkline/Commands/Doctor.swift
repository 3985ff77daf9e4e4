internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// `trunkline doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at all that deliveries depend on; says what is wrong, and the mend.",
        discussion: """
            One line per check: ok, warning (it works, and will cost something some day) or \
            problem (deliveries fail, or will be lost), then what was found and what to do. It \
            changes nothing. Exits with 1 when there is a problem. What it says of descriptors and \
            certificates is of this shell and these options: give it those of `run`, or its file.

              trunkline doctor --state-directory state
              trunkline doctor --config /etc/trunkline.conf
              trunkline doctor --json | jq '.findings[] | select(.grade != "ok")'

            --json: {"healthy", "findings": [{"grade", "subject", "message", "mend"}]}; subjects \
            stay the same from version to version.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: ArgumentHelp(
            "Certificates that the workers trust, as given to `run`. (default: the system's)",
            valueName: "file"))
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            "The directory of private keys, as given to `run`.", valueName: "dir"))
    var keyDirectory: String?

    @Option(
        help: ArgumentHelp(
            "What signs RSA eight at a time, as given to `run`.", valueName: "auto|off|file"))
    var cryptoMb = SigningLibrary.automatic

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() throws {
        let redis = RedisChecks(
            endpoint: try connection.redisEndpoint(), keys: connection.queueKeys,
            isEmbedded: connection.usesEmbeddedRedis)
        let postgres = PostgresChecks(
            connectionString: try connection.databaseConnectionString(),
            isEmbedded: connection.usesEmbeddedDatabase, hasKeyDirectory: keyDirectory != nil)
        var clocks = ClockCheck()
        var findings = redis.run(&clocks) + postgres.run(&clocks)
        findings += rebuildFindings()
        if let keyDirectory { findings.append(KeyDirectoryCheck(path: keyDirectory).run()) }
        findings += MachineChecks.run(caFile: caFile, cryptoMb: cryptoMb)
        findings += clocks.findings
        report(findings)
        if findings.contains(where: { $0.grade == .problem }) {
            throw ExitCode(CommandFailure.failedCode)
        }
    }

    private func rebuildFindings() -> [Finding] {
        guard let redis = try? connection.connectToRedis(),
            let database = try? connection.connectToDatabase()
        else { return [] }
        return RebuildCheck.run(redis: redis, database: database)
    }

    private func report(_ findings: [Finding]) {
        let problems = findings.count { $0.grade == .problem }
        guard !json else {
            return print(
                JSON.object([
                    ("healthy", .boolean(problems == 0)),
                    ("findings", .array(findings.map(\.json))),
                ]).indented)
        }
        for finding in findings { print(finding.line) }
        let warnings = findings.count { $0.grade == .warning }
        print("\n\(count(problems, "problem")), \(count(warnings, "warning"))")
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number == 0 ? "no" : "\(number)") \(noun)\(number == 1 ? "" : "s")"
    }
}

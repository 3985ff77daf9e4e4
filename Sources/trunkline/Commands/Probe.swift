internal import ArgumentParser
internal import RedisQueue

/// `trunkline probe`
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Tries a host that is down now, not when its next probe is due.",
        discussion: """
            With a backlog the next delivery of it is sent within seconds; without one the next \
            activity for the host is the probe. A main server that hears from a host says the same \
            with one Redis command:

              XADD trunkline:alive * host remote.example

              trunkline probe remote.example
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var names: HostNames

    func validate() throws { try names.requireSome() }

    func run() throws {
        let redis = try connection.connectToRedis()
        do {
            try redis.hint(seenAlive: names.authorities)
        } catch {
            throw CommandFailure.failed("Redis: \(error.sentence)")
        }
        for host in names.authorities { print("\(host.printable) is tried at once, if it is down") }
    }
}

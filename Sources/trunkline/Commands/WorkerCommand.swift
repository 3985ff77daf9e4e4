internal import ArgumentParser
internal import DeliveryCore
internal import Logging
internal import PostgresStore
internal import Scoreboard
internal import Transport
internal import WorkerRuntime

/// One worker process; `run` starts them.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "One worker of a pool; started by `trunkline run`.",
        discussion: """
            It drains and ends when its standard input does, or on SIGTERM; a file or /dev/null \
            as standard input says nothing, and leaves SIGTERM. To run one by hand, \
            under another supervisor:

              trunkline worker --instance-domain our.example < /dev/tty
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var pool: PoolOptions
    @OptionGroup var log: LogOptions

    @Option(
        help: ArgumentHelp(
            "The name of this life of this worker, unique for ever.", valueName: "name"))
    var incarnation: String?

    @Option(help: ArgumentHelp("Partitions of the schema.", valueName: "count"))
    var partitions = Database.defaultPartitionCount

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Its slot in the supervisor's scoreboard.", valueName: "number"))
    var slot: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The inherited descriptor of that scoreboard.", valueName: "fd"))
    var scoreboard: Int32?

    func run() throws {
        try log.bootstrap()
        DescriptorLimit.raise()
        let incarnation = Incarnation(rawValue: incarnation ?? Self.ownName)
        var options = WorkerOptions(
            incarnation: incarnation, redis: try connection.redisEndpoint(),
            database: try connection.databaseConnectionString(),
            keyPrefix: connection.keyPrefix, keyDirectory: pool.keyDirectory,
            transport: try pool.transport(), allowsPlainHTTP: pool.allowPlainHttp,
            audienceRelation: pool.audienceRelation)
        options.multiBufferLibrary = pool.cryptoMb.name
        options.retainDays = pool.retainDays
        options.limits = WorkerConfiguration(slots: pool.slots)
        options.limits.retryBudget = pool.retryTimes.budget
        options.limits.partitionCount = partitions
        var logger = Logger(label: "worker")
        logger[metadataKey: "worker"] = "\(incarnation.rawValue)"
        let board = try board(incarnation)
        let worker: WorkerProcess
        do throws(UnusableAuthorities) {
            worker = try WorkerProcess(options, board: board, log: logger)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        worker.run()
    }

    /// Under another supervisor a worker names itself: 64 random bits are never drawn twice.
    private static var ownName: String { "0-" + String(UInt64.random(in: 0 ... .max), radix: 16) }

    private func board(_ incarnation: Incarnation) throws -> ScoreboardSlot? {
        guard let scoreboard, let slot else { return nil }
        return try ScoreboardSlot(descriptor: scoreboard, slot: slot, incarnation: incarnation)
    }
}

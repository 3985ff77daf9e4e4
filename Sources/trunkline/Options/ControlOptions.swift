internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// What every control has: why, and until when.
struct ControlOptions: ParsableArguments {
    @Option(help: "Why: shown wherever the control is.")
    var reason = ""

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "How long, as 90s, 30m, 2h or 3d; else until `trunkline resume`.",
            valueName: "duration"),
        transform: ExpiryTime.init(words:))
    var span: ExpiryTime?

    /// Stores it for each of the subjects, tells the workers, and says so.
    func impose(
        _ kind: String, on subjects: [ControlSubject], perSecond: Double? = nil,
        connection: ConnectionOptions
    ) throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        let imposed = try asking { () throws(StoreFailure) in
            try database.transaction { () throws(StoreFailure) in
                var imposed: [Control] = []
                for subject in subjects {
                    imposed.append(
                        try database.impose(
                            kind, on: subject, perSecond: perSecond, reason: reason,
                            until: span?.field))
                }
                return imposed
            }
        }
        try redis.tellWorkers("\(kind): \(title(of: subjects))")
        for control in imposed { print(control.sentence.printable) }
    }
}

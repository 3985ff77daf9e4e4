import Supervision

extension Fault {
    /// PostgreSQL's file system has no byte left; then it has, and whoever watches PostgreSQL starts
    /// it again if it gave up.
    static let diskFull = Fault(
        name: "disk-full", what: "PostgreSQL's disk full",
        setting: Setting(postgresMegabytes: 400),
        bound: { _ in 0 }
    ) { trial in
        try trial.fillDisk()
        try Poll.until("PostgreSQL complains", within: .seconds(60)) {
            contents(of: trial.scratch.file("p/postgres.log")).contains("No space left on device")
                || !trial.postgres.isRunning
        }
        try trial.last(trial.isShort ? .seconds(3) : .seconds(60))
        trial.emptyDisk()
        if !trial.postgres.isRunning {
            trial.remarks.append("PostgreSQL gave up and was started again")
            try trial.postgres.start()
        }
        try trial.awaitReturn()
    }
}

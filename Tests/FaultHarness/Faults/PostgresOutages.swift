import Glibc
import Supervision

extension Fault {
    /// SIGSTOP of every process of PostgreSQL: connections stay, answers do not come.
    static let postgresFreeze = Fault(
        name: "postgres-freeze", what: "PostgreSQL frozen, 60 s",
        bound: { _ in 0 }
    ) { trial in
        guard let server = trial.postgres.process?.pid else { return }
        let family = [server] + Program.children(of: server)
        for pid in family { kill(pid, SIGSTOP) }
        defer { for pid in family { kill(pid, SIGCONT) } }
        try trial.last(trial.isShort ? .seconds(5) : .seconds(60))
        for pid in family { kill(pid, SIGCONT) }
        try trial.awaitReturn()
    }

    static let postgresStop = Fault(
        name: "postgres-stop", what: "PostgreSQL stopped (fast), 60 s",
        bound: { _ in 0 }
    ) { trial in
        trial.postgres.stop()
        try trial.awaitComplaint("PostgreSQL is away")
        try trial.last(trial.isShort ? .seconds(3) : .seconds(60))
        try trial.postgres.start()
        try trial.awaitReturn()
    }

    static let postgresKill = Fault(
        name: "postgres-kill", what: "PostgreSQL kill -9, restarted",
        bound: { _ in 0 }
    ) { trial in
        for _ in 0..<trial.repetitions {
            trial.postgres.kill()
            try trial.postgres.start()
            try trial.awaitReturn()
        }
    }
}

extension Trial {
    /// The server is back: the first resend is whatever the sink takes from here on. Returns when
    /// work goes on.
    func awaitReturn() throws {
        struck(at: wallMilliseconds())
        try awaitDeliveries(1_000, within: .seconds(120))
    }

    /// Until a pool's log says so.
    func awaitComplaint(_ words: String) throws {
        try Poll.until("the pool says \(words)", within: .seconds(30)) {
            pools.contains { contents(of: $0.log).contains(words) }
        }
    }
}

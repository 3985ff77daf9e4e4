internal import ArgumentParser
internal import RedisQueue

/// An option of `run` that its configuration file may hold: a long option without the dashes.
struct Setting: Sendable {
    enum Kind: Sendable { case single, repeatable, flag }

    let name: String
    var kind = Kind.single
    /// Of the environment, which beats the file.
    var variable: String?
    /// As it is in force; without passwords, and empty when nothing is.
    let value: @Sendable (RunCommand) -> String

    static let all: [Setting] = [
        Setting(name: "redis", variable: ConnectionOptions.redisVariable) {
            ($0.connection.redis ?? environment(ConnectionOptions.redisVariable))
                .map(Secrets.redacted(redis:)) ?? ""
        },
        Setting(name: "database", variable: ConnectionOptions.databaseVariable) {
            ($0.connection.database ?? environment(ConnectionOptions.databaseVariable))
                .map(Secrets.redacted(database:)) ?? ""
        },
        Setting(name: "state-directory", variable: ConnectionOptions.stateDirectoryVariable) {
            $0.connection.stateDirectory ?? environment(ConnectionOptions.stateDirectoryVariable)
                ?? ""
        },
        Setting(name: "key-prefix") { $0.connection.keyPrefix },
        Setting(name: "embedded", kind: .flag) { String($0.embedded) },
        Setting(name: "instance-domain", variable: PoolOptions.domainVariable) {
            (try? $0.pool.domain()) ?? ""
        },
        Setting(name: "workers") { String($0.workerCount) },
        Setting(name: "admin") { $0.admin.description },
        Setting(name: "slots") { String($0.pool.slots) },
        Setting(name: "crypto-mb") { $0.pool.cryptoMb.argument },
        Setting(name: "request-timeout") { String($0.pool.requestTimeout) },
        Setting(name: "connection-memory") { String($0.pool.connectionMemory) },
        Setting(name: "http2") { $0.pool.http2.defaultValueDescription },
        Setting(name: "retry-for", kind: .repeatable) { $0.pool.retryTimes.text },
        Setting(name: "retain-days") { String($0.pool.retainDays) },
        Setting(name: "ca-file") { $0.pool.caFile ?? "" },
        Setting(name: "allow-address", kind: .repeatable) {
            $0.pool.allowAddress.joined(separator: ", ")
        },
        Setting(name: "allow-plain-http", kind: .flag) { String($0.pool.allowPlainHttp) },
        Setting(name: "key-directory") { $0.pool.keyDirectory ?? "" },
        Setting(name: "audience-relation") { $0.pool.audienceRelation },
        Setting(name: "log-format", variable: LogOptions.formatVariable) {
            (try? $0.log.format().rawValue) ?? ""
        },
        Setting(name: "log-level") { $0.log.logLevel.defaultValueDescription },
    ]

    /// What this command understands of it: all of them where the servers are.
    static func known(to command: String?) -> [Setting] {
        let more =
            switch command {
            case "run": all.map(\.name)
            case "doctor": ["ca-file", "key-directory"]
            case "enqueue": ["audience-relation"]
            default: [String]()
            }
        let names = ["redis", "database", "state-directory", "key-prefix"] + more
        return all.filter { names.contains($0.name) }
    }

    /// The words of a command line that say the same.
    func arguments(_ value: String) -> [String] {
        kind == .flag ? (value == "true" ? ["--\(name)"] : []) : ["--\(name)", value]
    }

    /// What is wrong with a value; nil: nothing.
    func objection(to value: String) -> String? {
        if value.isEmpty { return "it has no value; write \(name) = VALUE, or leave it out" }
        if kind == .flag {
            return ["true", "false"].contains(value) ? nil : "it takes true or false"
        }
        do {
            if name == "redis" { _ = try RedisEndpoint(value) }
            let command = try RunCommand.parse(arguments(value))
            if name == "instance-domain" { _ = try command.pool.domain() }
            return nil
        } catch let error as RedisEndpointError {
            return error.description
        } catch let error as CommandFailure {
            return error.description
        } catch {
            return RunCommand.message(for: error)
        }
    }
}

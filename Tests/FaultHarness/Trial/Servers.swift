import PostgresStore
import Supervision
import TestSupport

/// What the pools of a trial stand on: each server alone, or with others that take its place.
extension Trial {
    enum Redis {
        case alone(EmbeddedRedis)
        case watched(SentinelFleet)
        case cluster(ClusterFleet)

        var url: String {
            switch self {
            case .alone(let redis): redis.url
            case .watched(let fleet): fleet.url
            case .cluster(let fleet): fleet.url
            }
        }

        /// Fleets end with their last reference.
        func stop() { if case .alone(let redis) = self { redis.stop() } }
    }

    enum Postgres {
        case alone(EmbeddedPostgres)
        case pair(PostgresPair)

        var connectionString: String {
            switch self {
            case .alone(let postgres): postgres.connectionString
            case .pair(let pair): pair.connectionString
            }
        }

        func stop() { if case .alone(let postgres) = self { postgres.stop() } }
    }

    static func redis(
        _ setting: Fault.Setting, _ machines: Machines?, in scratch: Scratch
    ) throws -> Redis {
        switch setting.redis {
        case .alone:
            .alone(
                try EmbeddedRedis(
                    directory: scratch.file("r"),
                    configuration: machines?.redisConfiguration ?? []))
        case .watched: .watched(try SentinelFleet())
        case .cluster(let replicas): .cluster(try ClusterFleet(replicas: replicas))
        }
    }

    /// With the schema in it.
    static func postgres(
        _ setting: Fault.Setting, _ length: Fault.Length, _ machines: Machines?, in scratch: Scratch
    ) throws -> Postgres {
        guard setting.postgres == .alone else {
            let pair = try PostgresPair()
            try Program.run(Program.trunkline, ["migrate", "--database", pair.connectionString])
            return .pair(pair)
        }
        // A kill is not a power cut: without fsync nothing more is lost, and it is quicker.
        var settings = length.isShort ? ["fsync": "off"] : [:]
        if let machines {
            let access = try scratch.write(machines.postgresAccess, to: "pg_hba.conf")
            settings["listen_addresses"] = machines.serviceAddress
            settings["hba_file"] = access
        }
        try PostgresTemplate.copy(to: scratch.makeDirectory("p"))
        let postgres = try EmbeddedPostgres(directory: scratch.file("p"), settings: settings)
        if let machines {
            _ = try Database(connectionString: postgres.connectionString)
                .query(machines.postgresLogin)
        }
        return .alone(postgres)
    }
}

/// For the faults of one kind of server, whose setting says that it is there.
extension Trial {
    var redis: EmbeddedRedis {
        guard case .alone(let redis) = redisServers else { preconditionFailure("not alone") }
        return redis
    }

    var sentinels: SentinelFleet {
        guard case .watched(let fleet) = redisServers else { preconditionFailure("no sentinels") }
        return fleet
    }

    var cluster: ClusterFleet {
        guard case .cluster(let fleet) = redisServers else { preconditionFailure("no cluster") }
        return fleet
    }

    var postgres: EmbeddedPostgres {
        guard case .alone(let postgres) = postgresServers else { preconditionFailure("not alone") }
        return postgres
    }

    var postgresPair: PostgresPair {
        guard case .pair(let pair) = postgresServers else { preconditionFailure("no pair") }
        return pair
    }
}

internal import PostgresStore

/// Whether PostgreSQL is there, and its schema as this program wants it.
struct PostgresChecks {
    static let oldestVersion = 13

    var connectionString: String
    /// It is the one that `trunkline run --embedded` starts.
    var isEmbedded: Bool
    /// It is asked first, and looked at elsewhere.
    var hasKeyDirectory: Bool

    func run(_ clocks: inout ClockCheck) -> [Finding] {
        let database: Database
        do {
            database = try connect(to: connectionString)
        } catch {
            return [unreachable(error)]
        }
        var findings: [Finding] = []
        do throws(StoreFailure) {
            findings.append(try reached(database))
            clocks.look(at: "PostgreSQL") {
                let rows = try? database.query(
                    "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint")
                return rows?.first?[0].flatMap { Int64($0) }
            }
            if let standby = try standby(database) { findings.append(standby) }
            findings.append(try durability(database))
            if let standbys = try standbys(database) { findings.append(standbys) }
            let version = try database.schemaVersion()
            findings.append(schema(version, try database.query("select current_database()")[0][0]))
            // Another version's tables are not known.
            guard version == Migration.newest else { return findings }
            findings += [
                try partitions(database), try keys(database), try parked(database),
                try quarantine(database), try controls(database), try hosts(database),
            ]
        } catch {
            findings.append(.problem("postgresql", error.sentence, mend: rights(database)))
        }
        return findings
    }

    private func unreachable(_ failure: StoreFailure) -> Finding {
        let start =
            isEmbedded
            ? "start it with `trunkline run --embedded`, or correct --state-directory"
            : "start it (`systemctl start postgresql`), or correct --database"
        guard let refusal = failure.connectionRefusal else {
            return .problem("postgresql", failure.sentence, mend: start)
        }
        return .problem("postgresql", failure.sentence, mend: refusal.mend ?? "do as it says")
    }

    /// Workers make and drop the partitions of the days, which only the tables' owner may.
    private func rights(_ database: Database) -> String {
        let row = try? database.query(
            """
            select quote_ident(rolname), quote_ident(current_user), rolsuper
            from pg_namespace join pg_roles on pg_roles.oid = nspowner
            where nspname = 'trunkline' and rolname <> current_user
            """
        ).first?.map { $0 ?? "" }
        guard let row else {
            return "give this role the rights of the one that ran `trunkline migrate`"
        }
        let why = "workers make and drop daily partitions, which only their owner may"
        guard row[2] == "t" else { return "`GRANT \(row[0]) TO \(row[1])`: \(why)" }
        // To be one of its members would be to be a superuser.
        return "make \(row[1]) the owner of the schema trunkline and of all in it, in place of the "
            + "superuser \(row[0]): \(why)"
    }

    private func reached(_ database: Database) throws(StoreFailure) -> Finding {
        let row = try database.query(
            """
            select current_setting('server_version'), current_setting('server_version_num'),
                current_database(), current_user
            """)[0].map { $0 ?? "" }
        let place = "version \(row[0]), database \(row[2]), role \(row[3])"
        guard let number = Int(row[1]), number >= Self.oldestVersion * 10_000 else {
            return .problem(
                "postgresql", place, mend: "use PostgreSQL \(Self.oldestVersion) or newer")
        }
        return .ok("postgresql", place)
    }

    private func standby(_ database: Database) throws(StoreFailure) -> Finding? {
        guard try database.query("select pg_is_in_recovery()")[0][0] == "t" else { return nil }
        return .problem(
            "postgresql role", "this one is a standby, which takes no writes",
            mend: "give the address of the primary, or several hosts and "
                + "target_session_attrs=read-write")
    }

    private func durability(_ database: Database) throws(StoreFailure) -> Finding {
        let off = try database.query(
            """
            select string_agg(name, ' and ' order by name) from pg_settings
            where name in ('fsync', 'full_page_writes') and setting = 'off'
            """)[0][0]
        guard let off else { return .ok("durability", "fsync on") }
        return .warning(
            "durability", "\(off) off: a power cut can destroy the record",
            mend: "turn it on in postgresql.conf")
    }

    /// nil: there are none, and may be none.
    private func standbys(_ database: Database) throws(StoreFailure) -> Finding? {
        let row = try database.query(
            """
            select (select count(*) from pg_stat_replication),
                current_setting('synchronous_standby_names')
            """)[0].map { $0 ?? "" }
        guard let count = Int(row[0]), count > 0 else {
            guard !row[1].isEmpty else { return nil }
            return .problem(
                "standbys",
                "none, and synchronous_standby_names is \(row[1]): commits wait for one",
                mend: "bring the standby back, or empty synchronous_standby_names")
        }
        let message = "\(count) \(count == 1 ? "follows" : "follow")"
        guard row[1].isEmpty else { return .ok("standbys", "\(message), synchronously") }
        return .warning(
            "standbys",
            "\(message), asynchronously: what has not arrived at its promotion is lost from the "
                + "record",
            mend: "set synchronous_standby_names, if a commit may wait for it")
    }

    private func schema(_ version: Int, _ database: String?) -> Finding {
        let newest = Migration.newest
        if version == newest { return .ok("schema", "version \(version)") }
        if version == 0 {
            return .problem(
                "schema", "there is none in the database \(database ?? "")",
                mend: "`trunkline migrate` makes it; if it is the wrong database, correct `dbname`")
        }
        return version < newest
            ? .problem(
                "schema", "version \(version) is older than this program's \(newest)",
                mend: "`trunkline migrate` brings it up to date")
            : .problem(
                "schema", "version \(version) is newer than this program's \(newest)",
                mend: "use the newer trunkline that made it")
    }

    /// The daily partitions of each of the three tables, counted from today without a gap.
    private func partitions(_ database: Database) throws(StoreFailure) -> Finding {
        let row = try database.query(
            """
            with made as (
                select p.relname as parent, to_date(right(c.relname, 10), 'YYYY_MM_DD') as day
                from pg_inherits i
                join pg_class c on c.oid = i.inhrelid
                join pg_class p on p.oid = i.inhparent
                where p.relnamespace = 'trunkline'::regnamespace
            ), today as (select (now() at time zone 'UTC')::date as day)
            select min(ahead) from (
                select (
                    select count(*) from generate_series(0, 60) n
                    where not exists (
                        select from generate_series(0, n) m where not exists (
                            select from made
                            where made.parent = tables.name and made.day = today.day + m))
                ) as ahead
                from today, unnest(array['activity', 'outcome', 'attempt']) as tables (name)
            ) counted
            """)[0]
        let days = Int(row[0] ?? "") ?? 0
        let mend = "`trunkline migrate` makes them; running workers do so too"
        switch days {
        case 0: return .problem("partitions", "none for today: nothing can be stored", mend: mend)
        case 1: return .warning("partitions", "none for tomorrow", mend: mend)
        default: return .ok("partitions", "made for today and \(days - 1) days ahead")
        }
    }

    private func keys(_ database: Database) throws(StoreFailure) -> Finding {
        let count = try database.query(
            "select count(*) from trunkline.signing_key where retired_at is null")[0][0]
        guard count != "0" || hasKeyDirectory else {
            return .warning(
                "signing keys", "none in PostgreSQL",
                mend: "`trunkline keys add --help` tells how, unless workers have a key "
                    + "directory: then name it with --key-directory")
        }
        return .ok("signing keys", "\(count ?? "?") in PostgreSQL")
    }

    private func parked(_ database: Database) throws(StoreFailure) -> Finding {
        let row = try database.query(
            """
            select count(*), count(distinct key_id), \(utc("min(since)")),
                (array_agg(key_id order by since))[1]
            from trunkline.parked
            where not starts_with(reason, '\(ParkedReason.pausedSender)')
                and not starts_with(reason, '\(ParkedReason.released)')
            """)[0].map { $0 ?? "" }
        guard row[0] != "0" else { return .ok("parked", "no activity waits for its key") }
        return .problem(
            "parked",
            "\(row[0]) activities wait for \(row[1]) missing keys, since \(row[2]), the first "
                + "for \(row[3])",
            mend: "`trunkline keys list` names the keys, `trunkline keys add` adds one")
    }

    private func quarantine(_ database: Database) throws(StoreFailure) -> Finding {
        // Who has more than this reads the list.
        let records = try database.quarantined(limit: 1_000)
        guard let newest = records.first else { return .ok("quarantine", "nothing is set aside") }
        let (what, isOne) = ("\(records.count)", records.count == 1)
        return .problem(
            "quarantine",
            "\(what) \(isOne ? "is" : "are") set aside\(isOne ? "" : ", the newest"): "
                + "\(newest.title), since \(newest.count.sentence)",
            mend: "report it with the workers' log; `trunkline quarantine` lists all, and releases "
                + "them when it is mended")
    }

    private func hosts(_ database: Database) throws(StoreFailure) -> Finding {
        let row = try database.query(
            """
            select count(*) filter (where state = 'open'), count(*) filter (where state = 'dead'),
                count(*) filter (where state = 'closed')
            from trunkline.host
            """)[0].map { $0 ?? "0" }
        let down =
            row[0] == "0" && row[1] == "0" ? "none is down" : "\(row[0]) open, \(row[1]) dead"
        return .ok("hosts", "\(down), \(row[2]) closed; `trunkline hosts --state open` lists them")
    }

    private func controls(_ database: Database) throws(StoreFailure) -> Finding {
        let controls = try database.controlsInForce()
        guard let first = controls.first else { return .ok("controls", "nothing is paused") }
        let more = controls.count > 1 ? ", and \(controls.count - 1) more" : ""
        return .warning(
            "controls", first.sentence + more,
            mend: "\(first.resumption) when its reason is gone"
                + (more.isEmpty ? "" : "; `trunkline controls` lists all"))
    }
}

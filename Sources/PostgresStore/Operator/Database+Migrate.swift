/// Bringing the schema up to date.

extension Database {
    /// Partitions of a new schema: a few for each worker that there may ever be.
    package static let defaultPartitionCount = 64

    /// The newest migration that was applied; 0 without a schema.
    package func schemaVersion() throws(StoreFailure) -> Int {
        let found = try query("select to_regclass('trunkline.migration') is not null")
        guard found[0][0] == "t" else { return 0 }
        let version = try query("select coalesce(max(number), 0) from trunkline.migration")
        return Int(version[0][0] ?? "") ?? 0
    }

    /// Applies what is missing, each migration in a transaction of its own.
    ///
    /// Two migrators take turns (a transaction's advisory lock, so that a pooler may stand
    /// between).
    ///
    /// - Parameter partitions: their number when the schema is made; ignored when it exists.
    @discardableResult
    package func migrate(
        partitions: Int = defaultPartitionCount
    ) throws(MigrationFailure) -> MigrationReport {
        precondition(partitions > 0, "a schema has at least one partition")
        var applied: [Int] = []
        while let number = try applyNext() { applied.append(number) }
        do {
            return try transaction { () throws(StoreFailure) in
                try lockMigrations()
                try query(
                    """
                    insert into trunkline.partition (number)
                    select n from generate_series(0, $1::int - 1) n
                    where not exists (select from trunkline.partition)
                    """, [String(partitions)])
                try query("select trunkline.ensure_partitions()")
                let count = try query("select count(*) from trunkline.partition")
                return MigrationReport(
                    applied: applied, schemaVersion: Migration.newest,
                    partitionCount: Int(count[0][0] ?? "") ?? 0)
            }
        } catch {
            throw .store(error)
        }
    }

    /// The number of the migration that was applied, or nil when none is missing.
    private func applyNext() throws(MigrationFailure) -> Int? {
        var newer: Int?
        let applied: Int?
        do {
            applied = try transaction { () throws(StoreFailure) -> Int? in
                try lockMigrations()
                let version = try schemaVersion()
                if version > Migration.newest {
                    newer = version
                    return nil
                }
                guard let next = Migration.all.first(where: { $0.number > version }) else {
                    return nil
                }
                try run(
                    script: """
                        create schema if not exists trunkline;
                        create table if not exists trunkline.migration (
                            number int primary key, name text not null,
                            applied_at timestamptz not null default now());
                        comment on table trunkline.migration is
                            'Numbered changes of this schema; the highest is its version.';
                        """)
                try run(script: String(decoding: next.sql, as: UTF8.self))
                try query(
                    "insert into trunkline.migration (number, name) values ($1::int, $2)",
                    [String(next.number), next.name])
                return next.number
            }
        } catch {
            throw .store(error)
        }
        if let newer { throw .newerSchema(found: newer, known: Migration.newest) }
        return applied
    }

    private func lockMigrations() throws(StoreFailure) {
        try query("select pg_advisory_xact_lock(hashtext('trunkline.migration'))")
    }
}

internal import Bench
internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys

/// The senders and followers of a world, where a load finds them: keys and audiences in
/// PostgreSQL, actors in the sink's directory.
struct Population {
    /// Rows of one statement.
    private static let batch = 5_000

    let world: World
    /// Whether the load has anything for the audience of all followers.
    let hasAudience: Bool
    private let senders: Int
    private var database: Database

    init(_ scenario: Scenario, _ world: World, _ database: Database) {
        self.world = world
        hasAudience = scenario.mix.contains { $0.audience == .followers }
        senders = scenario.senders
        self.database = database
    }

    /// The same by another connection.
    func over(_ database: Database) -> Population {
        var population = self
        population.database = database
        return population
    }

    /// By the index of ids, and in yesterday's partition and later ones: in an installation's record these
    /// few are found among millions.
    private static let endedQuery = """
        with mine as materialized (
            select id, cardinality(audience) as size from trunkline.activity
            where activity_id = any ($1::text[])
                and id >= ((trunkline.day_of(now()) - 1) << 40))
        select
            (select count(*) from mine),
            (select coalesce(sum(size), 0) from mine)
            - (select coalesce(sum(cardinality(o.inbox_ids)), 0)
                from mine join trunkline.outcome o on o.activity = mine.id)
            - (select count(*) from mine join trunkline.failed f on f.activity = mine.id
                where f.replayed_at is null)
        """

    /// Of all senders.
    private var keys: [String] { (0..<senders).map(world.names.key) }

    /// The audience of a probe, apart from the load's.
    var probeAudience: String { world.names.audience + "/probe" }

    func addSenders(_ directory: BenchDirectory, _ interruption: Interruption) throws {
        for (sender, id) in keys.enumerated() {
            try interruption.check()
            let key = try PrivateKey(generating: .rsaSHA256)
            let pem = String(decoding: try key.privatePEM(), as: UTF8.self)
            try asking { () throws(StoreFailure) in
                try database.addKey(
                    keyID: id, algorithm: KeyKind(key.algorithm).rawValue, pem: pem)
            }
            let actor = JSON.object([
                ("keyId", .string(id)),
                ("publicKeyPem", .string(String(decoding: try key.publicPEM(), as: UTF8.self))),
            ])
            try BenchFiles.write(
                Array(actor.compact.utf8), to: "\(directory.actors)/s\(sender).json")
        }
    }

    func addFollowers(_ interruption: Interruption) throws {
        guard hasAudience else { return }
        for first in stride(from: 0, to: world.followers, by: Self.batch) {
            try interruption.check()
            let some = first..<min(first + Self.batch, world.followers)
            try add(
                some.map { world.url($0) }, to: world.names.audience,
                shared: some.map {
                    world.sharedInboxes ? world.url(world.inbox(of: $0)) : "null"
                })
        }
    }

    func addProbeFollowers(_ inboxes: [String]) throws(CommandFailure) {
        try add(inboxes, to: probeAudience, shared: inboxes.map { _ in "null" })
    }

    private func add(
        _ inboxes: [String], to audience: String, shared: [String]
    ) throws(CommandFailure) {
        _ = try asking { () throws(StoreFailure) in
            try database.query(
                """
                insert into trunkline.follower (audience, inbox, shared_inbox)
                select $1, unnest($2::text[]), unnest($3::text[])
                """, [audience, Self.array(inboxes), Self.array(shared)])
        }
    }

    /// Notes it as `trunkline keys` does.
    func audit(_ action: String) throws(CommandFailure) {
        try asking { () throws(StoreFailure) in
            try database.audit(
                action, subject: world.names.domain, detail: "\(senders) of `trunkline bench`")
        }
    }

    /// Whether each of these entries is stored, and each of its deliveries has an end on record.
    func hasEnded(_ entries: EnqueuedEntries) throws(CommandFailure) -> Bool {
        let (stored, owed) = try account(of: entries)
        return stored >= entries.count && owed <= 0
    }

    /// How many of these entries are stored, and how many deliveries of theirs have no end on record.
    func account(
        of entries: EnqueuedEntries
    ) throws(CommandFailure) -> (stored: Int, owed: Int) {
        let row = try asking { () throws(StoreFailure) in
            try database.query(
                Self.endedQuery, [Self.array(entries.activityIDs(world.names))])[0]
        }
        return (Int(row[0] ?? "") ?? 0, Int(row[1] ?? "") ?? 0)
    }

    /// What waits for a key of ours, or behind a pause, will not be sent: it has expired. Parked on, it
    /// would be owed for ever, and its day kept with it.
    func endParked() throws(CommandFailure) {
        _ = try asking { () throws(StoreFailure) in
            try database.query(Self.endParkedStatement, [Self.array(keys)])
        }
    }

    /// In one statement: what is parked no more has its end on record.
    private static let endParkedStatement = """
        with gone as (
            delete from trunkline.parked where key_id = any ($1::text[]) returning activity
        ), mine as (
            select coalesce(array_agg(activity), '{}') as activities from gone
        )
        insert into trunkline.outcome (activity, state, inbox_ids, epoch, worker, sequence)
        select owed.activity, 'expired', array_agg(owed.inbox order by owed.inbox), 0, 'bench', 0
        from mine cross join lateral trunkline.owed_by(mine.activities) as owed
        group by owed.activity
        on conflict do nothing
        """

    /// Whatever of it there is.
    func remove() throws(CommandFailure) {
        // Before the keys go: by them it is found.
        try endParked()
        try asking { () throws(StoreFailure) in
            try database.query(
                "delete from trunkline.signing_key where key_id = any ($1::text[])",
                [Self.array(keys)])
            try database.query(
                "delete from trunkline.follower where audience in ($1, $2)",
                [world.names.audience, probeAudience])
        }
        try audit("keys removed")
    }

    /// URLs of ours have nothing that needs a quote in an array (PostgreSQL manual 8.15.2).
    private static func array(_ texts: [String]) -> String {
        "{\(texts.joined(separator: ","))}"
    }
}

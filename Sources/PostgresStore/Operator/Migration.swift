/// The schema's numbered files. A released one is never changed: a new one follows it.

package struct Migration: Sendable {
    package let number: Int
    package let name: String
    let sql: [UInt8]

    /// Ascending, without gaps, from 1.
    package static let all = [
        Migration(number: 1, name: "init", sql: PackageResources.m0001_init_sql),
        Migration(number: 2, name: "partitions", sql: PackageResources.m0002_partitions_sql),
        Migration(number: 3, name: "delivery", sql: PackageResources.m0003_delivery_sql),
        Migration(
            number: 4, name: "paused_senders", sql: PackageResources.m0004_paused_senders_sql),
        Migration(number: 5, name: "owing", sql: PackageResources.m0005_owing_sql),
        Migration(number: 6, name: "crashes", sql: PackageResources.m0006_crashes_sql),
        Migration(number: 7, name: "fence", sql: PackageResources.m0007_fence_sql),
        Migration(
            number: 8, name: "cheaper_activities",
            sql: PackageResources.m0008_cheaper_activities_sql),
        Migration(number: 9, name: "ids_and_days", sql: PackageResources.m0009_ids_and_days_sql),
    ]

    /// The schema version that this binary is made for.
    package static let newest = 9
}

package enum MigrationFailure: Error, Equatable, Sendable {
    /// A newer binary has migrated the database: this one does not know what it would break.
    case newerSchema(found: Int, known: Int)
    case store(StoreFailure)
}

package struct MigrationReport: Equatable, Sendable {
    /// Numbers of those that were applied now, ascending.
    package var applied: [Int]
    package var schemaVersion: Int
    /// As the schema was made: it is never changed afterwards.
    package var partitionCount: Int
}

/// What one intake entry may hold; beyond it the entry is rejected, never cut.
package enum IntakeLimits {
    /// Mastodon takes 1 MiB and no receiver more; Takahe, Misskey and Lemmy stop at 50 to 256 KiB.
    package static let activityBytes = 1_048_576
    /// Of JSON, in every field. Pixelfed drops what is nested deeper than 8.
    package static let jsonDepth = 64
    /// More should be an audience, which PostgreSQL holds once.
    package static let recipients = 100_000
    /// 100,000 recipients with shared inboxes of 80 bytes each.
    package static let recipientsBytes = 16 * 1_048_576
    package static let excluded = 10_000
    package static let excludedBytes = 2 * 1_048_576
    /// Of an id, URL or name.
    package static let textBytes = 2_048
    /// Up to here the JSON parser keeps its buffers (about fifteen times this) for the next entry.
    static let keptJSONBytes = 262_144
}

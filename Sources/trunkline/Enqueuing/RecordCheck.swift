internal import DeliveryCore
internal import PostgresStore

/// What PostgreSQL knows against an entry that was taken: a worker would keep it waiting, or find
/// nobody to send it to.
struct RecordCheck {
    var database: Database
    /// Where the workers look for audiences.
    var audienceRelation: String

    /// Nothing where PostgreSQL cannot tell: it is no part of enqueuing.
    func warnings(about job: Job) -> [String] {
        [key(job.key), audience(job.audience)].compactMap { $0 }
    }

    private func key(_ keyID: String) -> String? {
        let rows = try? database.query(
            "select from trunkline.signing_key where key_id = $1 and retired_at is null", [keyID])
        guard rows?.isEmpty == true else { return nil }
        return "the key \(keyID.printable) is not in PostgreSQL: unless workers have it in their "
            + "--key-directory, the activity waits until `trunkline keys add` has added it"
    }

    private func audience(_ reference: AudienceReference) -> String? {
        guard case .named(let name) = reference else { return nil }
        do throws(StoreFailure) {
            if try database.hasAudience(name, relation: audienceRelation) { return nil }
        } catch {
            return "the audience cannot be read: \(error.sentence); if workers have another "
                + "--audience-relation, name it here too"
        }
        return "the audience \(name.printable) has not one row in \(audienceRelation.printable): "
            + "nobody gets it"
    }
}

internal import DeliveryCore
internal import RedisQueue

/// Intake entries as they came, until they are finished, set aside or handed back: a rejected one
/// is set aside whole.
struct EntriesInHand {
    /// More than the machine ever has in hand (256, and what one read and one claim may add to
    /// that). Beyond it an entry is not kept: should it be rejected, its fields are not shown.
    static let limit = 512

    private var entries: [IntakeReference: IntakeEntry] = [:]
    private var expansions: [ExpansionID: Set<IntakeReference>] = [:]

    var count: Int { entries.count }

    mutating func arrived(_ entry: IntakeEntry) {
        let reference = IntakeReference(lane: entry.lane, id: entry.id)
        guard entries.count < Self.limit || entries[reference] != nil else { return }
        entries[reference] = entry
    }

    mutating func expansionBegan(_ id: ExpansionID, _ references: [IntakeReference]) {
        expansions[id] = Set(references)
    }

    /// Acked in Redis.
    mutating func finished(_ references: [IntakeReference]) {
        for reference in references { _ = take(reference) }
    }

    /// The entry, which is forgotten with this.
    mutating func take(_ reference: IntakeReference) -> IntakeEntry? {
        for id in expansions.filter({ $0.value.contains(reference) }).keys {
            expansions[id]?.remove(reference)
            if expansions[id]?.isEmpty == true { expansions[id] = nil }
        }
        return entries.removeValue(forKey: reference)
    }

    /// A draining worker does not try again: its entries are claimed by others.
    mutating func expansionGivenUp(_ id: ExpansionID) {
        for reference in expansions.removeValue(forKey: id) ?? [] { entries[reference] = nil }
    }

    /// A draining worker begins nothing: only what is under way may still be rejected.
    mutating func drainBegan() {
        let underWay = expansions.values.reduce(into: Set()) { $0.formUnion($1) }
        entries = entries.filter { underWay.contains($0.key) }
    }
}

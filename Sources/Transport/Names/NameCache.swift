/// What is known about names, and when to ask again: a pure value, told the time.

package import DeliveryCore
package import EventLoop

package struct NameCache: Sendable {
    package enum Answer: Equatable, Sendable {
        case addresses([String])
        case failed(NameLookupFailure)
        /// A lookup is under way; its end answers.
        case awaited
    }

    private struct Entry {
        /// Empty: the last lookup failed.
        var addresses: [String] = []
        var failure: NameLookupFailure?
        var expires: Instant
        var refreshFrom: Instant
        var staleUntil: Instant
        var isLookedUp: Bool
    }

    private let limits: NameCacheLimits
    private var entries: [String: Entry] = [:]

    package init(limits: NameCacheLimits) { self.limits = limits }

    package var count: Int { entries.count }

    /// One lookup per name is under way at a time: `startsLookup` asks the caller to begin it.
    package mutating func ask(
        _ name: String, now: Instant
    ) -> (answer: Answer, startsLookup: Bool) {
        guard let entry = entries[name] else {
            makeRoom()
            entries[name] = Entry(
                expires: now, refreshFrom: now, staleUntil: now, isLookedUp: true)
            return (.awaited, true)
        }
        if now >= entry.expires {
            entries[name]?.isLookedUp = true
            return (.awaited, !entry.isLookedUp)
        }
        if let failure = entry.failure { return (.failed(failure), false) }
        let isDue = !entry.isLookedUp && now >= entry.refreshFrom
        if isDue { entries[name]?.isLookedUp = true }
        return (.addresses(entry.addresses), isDue)
    }

    /// Records the end of a lookup, and gives what those who waited are to be told.
    ///
    /// `spread` (about 1) scales the life of the answer, so that names looked up in one burst are
    /// not all looked up again in one burst.
    package mutating func lookupFinished(
        _ name: String, _ outcome: NameLookup.Outcome, now: Instant, spread: Double
    ) -> Answer {
        entries[name]?.isLookedUp = false
        return record(name, outcome, now: now, spread: spread)
    }

    /// Records that a lookup takes too long; it stays under way, because `getaddrinfo(3)` cannot be
    /// stopped, and its end is still welcome.
    package mutating func lookupTimedOut(_ name: String, now: Instant) -> Answer {
        record(name, .failure(.unavailable("name lookup timed out")), now: now, spread: 1)
    }

    private mutating func record(
        _ name: String, _ outcome: NameLookup.Outcome, now: Instant, spread: Double
    ) -> Answer {
        guard var entry = entries[name] else { return answer(to: outcome) }
        switch outcome {
        case .success(let addresses):
            let life = limits.positiveLifetime * spread
            entry.addresses = addresses
            entry.failure = nil
            entry.expires = now + life
            entry.refreshFrom = now + (life - min(limits.refreshLead, life / 4))
            entry.staleUntil = entry.expires + limits.staleLifetime
        case .failure(.unavailable) where !entry.addresses.isEmpty && now < entry.staleUntil:
            entry.expires = now + limits.negativeLifetime
            entry.refreshFrom = entry.expires
        case .failure(let failure):
            entry.addresses = []
            entry.failure = failure
            entry.expires = now + limits.negativeLifetime
        }
        entries[name] = entry
        return entry.failure.map { .failed($0) } ?? .addresses(entry.addresses)
    }

    private func answer(to outcome: NameLookup.Outcome) -> Answer {
        switch outcome {
        case .success(let addresses): .addresses(addresses)
        case .failure(let failure): .failed(failure)
        }
    }

    /// Forgets a sixteenth at once, because finding the oldest takes a walk over all.
    private mutating func makeRoom() {
        guard entries.count >= limits.count else { return }
        let idle = entries.filter { !$0.value.isLookedUp }
        let oldest = idle.sorted { $0.value.expires < $1.value.expires }
        for (name, _) in oldest.prefix(max(1, limits.count / 16)) { entries[name] = nil }
    }
}

/// What a host says is left of the requests it allows (`X-RateLimit-Remaining` and `-Reset`).
///
/// Mastodon and others say it with every answer, and to a refusal they add no `Retry-After`. Who
/// listens is not refused at all.
package struct Quota: Equatable, Sendable {
    package var remaining: Int
    /// Until there are more.
    package var reset: Duration

    package init(remaining: Int, reset: Duration) {
        self.remaining = remaining
        self.reset = reset
    }

    /// The pause to make when so many more are under way, which it may not have counted yet. As
    /// long as `Retry-After` could make it; no more than one host waits for it.
    package func pause(inFlight: Int) -> Duration? {
        guard remaining <= inFlight, reset > .zero else { return nil }
        return Judge.suspension(asked: reset)
    }
}

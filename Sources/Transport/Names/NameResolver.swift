/// Names to addresses: the cache, the lookups under way, and those who wait for them.
///
/// libcurl would start a thread per lookup and tells NXDOMAIN and SERVFAIL alike; so it is never
/// asked. It is given addresses instead (`Shard.begin`).

internal import DeliveryCore
internal import EventLoop
internal import Glibc

final class NameResolver {
    typealias Lookup = (String, @escaping (NameLookup.Outcome) -> Void) -> Void

    /// A host with more addresses is reachable through these.
    static let addressLimit = 8

    private static let loopback = ["127.0.0.1", "::1"]

    /// libuv reads this when its pool is first used, and gives half of the threads to lookups; with
    /// its default of 4, two dead name servers (10 s each) would hold up every other name.
    static let sizeThreadPool: Void = { _ = setenv("UV_THREADPOOL_SIZE", "64", 0) }()

    private let loop: EventLoop
    private let lookupTimeout: Duration
    private let lookup: Lookup
    private var cache: NameCache
    private var random: any RandomNumberGenerator
    private var waiters: [String: [(NameCache.Answer) -> Void]] = [:]
    private var timers: [String: LoopTimer] = [:]
    private(set) var lookups = 0

    init(
        loop: EventLoop, limits: NameCacheLimits, random: any RandomNumberGenerator,
        lookup: @escaping Lookup
    ) {
        self.loop = loop
        self.lookupTimeout = limits.lookupTimeout
        self.lookup = lookup
        self.random = random
        cache = NameCache(limits: limits)
    }

    deinit { for timer in timers.values { timer.cancel() } }

    /// Answers at once, or gives `.awaited` and answers later through `waiter`.
    func addresses(
        of name: String, waiter: @escaping (NameCache.Answer) -> Void
    ) -> NameCache.Answer {
        // RFC 6761 section 6.3: never a matter for DNS. IPv4 first, as most test servers listen.
        if name == "localhost" || name.hasSuffix(".localhost") {
            return .addresses(Self.loopback)
        }
        let (answer, startsLookup) = cache.ask(name, now: loop.now)
        if answer == .awaited { waiters[name, default: []].append(waiter) }
        if startsLookup { start(name) }
        // A lookup that took too long before and is still under way may take minutes more, while
        // the resolver is dead and its threads are all taken.
        if answer == .awaited, timers[name] == nil { limitWait(name) }
        return answer
    }

    /// Those who wait are not answered any more; the lookups still fill the cache.
    func forgetWaiters() { waiters.removeAll() }

    private func start(_ name: String) {
        lookups += 1
        limitWait(name)
        lookup(name) { [weak self] outcome in self?.finished(name, outcome) }
    }

    private func limitWait(_ name: String) {
        timers[name] = loop.startTimer(after: lookupTimeout) { [unowned self] in
            timers[name] = nil
            answer(name, cache.lookupTimedOut(name, now: loop.now))
        }
    }

    private func finished(_ name: String, _ outcome: NameLookup.Outcome) {
        timers.removeValue(forKey: name)?.cancel()
        let spread = 0.8 + 0.4 * Double(random.next() >> 11) / 0x1p53
        let usable = outcome.map { Self.usable($0) }
        answer(name, cache.lookupFinished(name, usable, now: loop.now, spread: spread))
    }

    private func answer(_ name: String, _ answer: NameCache.Answer) {
        for waiter in waiters.removeValue(forKey: name) ?? [] { waiter(answer) }
    }

    /// libcurl reads no zone identifiers in given addresses; the guard refuses such an address
    /// anyway (link-local), so it may as well arrive there.
    private static func usable(_ addresses: [String]) -> [String] {
        addresses.prefix(addressLimit).map { address in
            address.firstIndex(of: "%").map { String(address[..<$0]) } ?? address
        }
    }
}

import DeliveryCore
import EventLoop
import Testing

@testable import Transport

struct NameCacheTests {
    private let first: NameLookup.Outcome = .success(["192.0.2.1"])
    private let second: NameLookup.Outcome = .success(["192.0.2.2"])
    private let away: NameLookup.Outcome = .failure(.unavailable("SERVFAIL"))

    private func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1_000_000_000))
    }

    private func cache(_ adjust: (inout NameCacheLimits) -> Void = { _ in }) -> NameCache {
        var limits = NameCacheLimits()
        adjust(&limits)
        return NameCache(limits: limits)
    }

    @Test func `the first to ask starts the lookup, the others wait for it`() {
        var cache = cache()
        #expect(cache.ask("a.example", now: at(0)) == (.awaited, true))
        #expect(cache.ask("a.example", now: at(1)) == (.awaited, false))
        let told = cache.lookupFinished("a.example", first, now: at(2), spread: 1)
        #expect(told == .addresses(["192.0.2.1"]))
        #expect(cache.ask("a.example", now: at(3)) == (.addresses(["192.0.2.1"]), false))
    }

    @Test func `an answer that is in use is refreshed before it ends, and nobody waits`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        _ = cache.lookupFinished("a.example", first, now: at(0), spread: 1)
        #expect(cache.ask("a.example", now: at(44.9)) == (.addresses(["192.0.2.1"]), false))
        #expect(cache.ask("a.example", now: at(45)) == (.addresses(["192.0.2.1"]), true))
        #expect(cache.ask("a.example", now: at(46)) == (.addresses(["192.0.2.1"]), false))
        _ = cache.lookupFinished("a.example", second, now: at(47), spread: 1)
        #expect(cache.ask("a.example", now: at(48)) == (.addresses(["192.0.2.2"]), false))
    }

    @Test func `an answer past its life is not used while a new one can be had`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        _ = cache.lookupFinished("a.example", first, now: at(0), spread: 1)
        #expect(cache.ask("a.example", now: at(60)) == (.awaited, true))
    }

    @Test func `while the resolver is away, old addresses stay in use for an hour`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        _ = cache.lookupFinished("a.example", first, now: at(0), spread: 1)
        _ = cache.ask("a.example", now: at(60))
        let told = cache.lookupFinished("a.example", away, now: at(61), spread: 1)
        #expect(told == .addresses(["192.0.2.1"]))
        #expect(cache.ask("a.example", now: at(62)) == (.addresses(["192.0.2.1"]), false))
        #expect(cache.ask("a.example", now: at(66)) == (.awaited, true))
        let late = cache.lookupFinished("a.example", away, now: at(3_661), spread: 1)
        #expect(late == .failed(.unavailable("SERVFAIL")))
    }

    @Test func `a name that is gone is gone at once`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        _ = cache.lookupFinished("a.example", first, now: at(0), spread: 1)
        _ = cache.ask("a.example", now: at(60))
        _ = cache.lookupFinished("a.example", .failure(.notFound), now: at(60), spread: 1)
        #expect(cache.ask("a.example", now: at(61)) == (.failed(.notFound), false))
        #expect(cache.ask("a.example", now: at(65)) == (.awaited, true))
    }

    @Test func `a lookup that takes too long fails those who wait, and its end still counts`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        guard case .failed(.unavailable) = cache.lookupTimedOut("a.example", now: at(10)) else {
            Issue.record("a lookup that timed out says nothing about the name")
            return
        }
        // One lookup per name is under way at a time, also after its time is up.
        #expect(cache.ask("a.example", now: at(16)) == (.awaited, false))
        _ = cache.lookupFinished("a.example", first, now: at(17), spread: 1)
        #expect(cache.ask("a.example", now: at(18)) == (.addresses(["192.0.2.1"]), false))
    }

    @Test func `the spread moves the end of an answer's life`() {
        var cache = cache()
        _ = cache.ask("a.example", now: at(0))
        _ = cache.lookupFinished("a.example", first, now: at(0), spread: 0.8)
        #expect(cache.ask("a.example", now: at(48)) == (.awaited, true))
    }

    @Test func `it holds no more names than its limit, and the oldest go`() {
        var cache = cache { $0.count = 32 }
        for number in 0..<1_000 {
            let now = at(Double(number))
            _ = cache.ask("h\(number).example", now: now)
            _ = cache.lookupFinished("h\(number).example", first, now: now, spread: 1)
            #expect(cache.count <= 32)
        }
        #expect(cache.ask("h999.example", now: at(1_000)).answer == .addresses(["192.0.2.1"]))
        #expect(cache.ask("h0.example", now: at(1_000)).answer == .awaited)
    }
}

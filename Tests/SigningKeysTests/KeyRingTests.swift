import DeliveryCore
import HTTPSignatures
import Testing

@testable import SigningKeys

@Suite struct KeyRingTests {
    private let start = Instant(nanoseconds: 0)

    private func keyID(_ name: some CustomStringConvertible) throws -> KeyID {
        try KeyID("https://our.example/users/\(name)#main-key")
    }

    private func pem() throws -> [UInt8] { try PrivateKey(generating: .ed25519).privatePEM() }

    @Test func `a key is unknown until it is inserted, and again after it is invalidated`() throws {
        var ring = KeyRing()
        let alice = try keyID("alice")
        #expect(ring.knowledge(of: alice, now: start) == nil)
        ring.insert(alice, pem: try pem(), now: start)
        #expect(ring.knowledge(of: alice, now: start + .seconds(1_000_000))?.isKnown == true)
        ring.invalidate(alice)
        #expect(ring.knowledge(of: alice, now: start) == nil)
    }

    @Test func `a missing key is believed for a minute`() throws {
        var ring = KeyRing(doubtLifetime: .seconds(60))
        let alice = try keyID("alice")
        ring.insertMissing(alice, now: start)
        #expect(ring.knowledge(of: alice, now: start + .seconds(59))?.isMissing == true)
        #expect(ring.knowledge(of: alice, now: start + .seconds(60)) == nil)
        #expect(ring.count == 0)
    }

    @Test func `a broken key says why, is believed for a minute and can be mended at once`() throws
    {
        var ring = KeyRing(doubtLifetime: .seconds(60))
        let alice = try keyID("alice")
        #expect(ring.insert(alice, pem: Array("x".utf8), now: start).refusal == .notPEM)
        #expect(ring.knowledge(of: alice, now: start)?.refusal == .notPEM)
        #expect(ring.knowledge(of: alice, now: start + .seconds(60)) == nil)
        ring.insert(alice, pem: Array("x".utf8), now: start)
        ring.insert(alice, pem: try pem(), now: start)
        #expect(ring.knowledge(of: alice, now: start)?.isKnown == true)
    }

    @Test func `the key that was not used for longest goes first`() throws {
        var ring = KeyRing(limit: 3)
        let pem = try pem()
        for name in ["a", "b", "c"] { ring.insert(try keyID(name), pem: pem, now: start) }
        _ = ring.knowledge(of: try keyID("a"), now: start)
        ring.insert(try keyID("d"), pem: pem, now: start)
        #expect(ring.count == 3)
        #expect(ring.knowledge(of: try keyID("b"), now: start) == nil)
        for name in ["a", "c", "d"] {
            #expect(ring.knowledge(of: try keyID(name), now: start) != nil)
        }
    }

    @Test func `a batch is answered in order and one failure spoils no other`() throws {
        var ring = KeyRing()
        let ed25519 = try PrivateKey(generating: .ed25519)
        let rsa = try PrivateKey(generating: .rsaSHA256)
        ring.insert(try keyID("e"), pem: try ed25519.privatePEM(), now: start)
        ring.insert(try keyID("r"), pem: try rsa.privatePEM(), now: start)
        ring.insert(try keyID("broken"), pem: [], now: start)
        ring.insertMissing(try keyID("missing"), now: start)
        let names = ["r", "broken", "e", "missing", "never", "r"]
        let tasks = try names.enumerated().map {
            SigningTask(keyID: try keyID($1), bytes: Array("\($0)".utf8))
        }
        #expect(
            ring.sign(tasks, now: start) == [
                .success(
                    MadeSignature(bytes: try rsa.sign(Array("0".utf8)), algorithm: .rsaSHA256)),
                .failure(.brokenKey(.notPEM)),
                .success(
                    MadeSignature(bytes: try ed25519.sign(Array("2".utf8)), algorithm: .ed25519)),
                .failure(.missingKey),
                .failure(.unknownKey),
                .success(
                    MadeSignature(bytes: try rsa.sign(Array("5".utf8)), algorithm: .rsaSHA256)),
            ])
        #expect(ring.sign([], now: start).isEmpty)
    }

    /// Against an array in order of use, over a hundred thousand seeded steps.
    @Test func `the cache does what a plain list would`() {
        let seed: UInt64 = 20_260_902
        var random = SplitMix(state: seed)
        var cache = LeastRecentlyUsed<Int, Int>(limit: 16)
        var model: [(key: Int, value: Int)] = []
        for step in 0..<100_000 {
            let key = Int(random.next() % 40)
            switch random.next() % 4 {
            case 0, 1:
                let expected = model.first { $0.key == key }
                #expect(cache.value(for: key) == expected?.value, "seed \(seed) step \(step)")
                if let expected {
                    model.removeAll { $0.key == key }
                    model.append(expected)
                }
            case 2:
                cache.insert(step, for: key)
                model.removeAll { $0.key == key }
                if model.count == 16 { model.removeFirst() }
                model.append((key, step))
            default:
                cache.removeValue(for: key)
                model.removeAll { $0.key == key }
            }
            guard cache.count == model.count else {
                Issue.record("seed \(seed) step \(step): \(cache.count) for \(model.count)")
                return
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension KeyRing.Knowledge {
    fileprivate var isKnown: Bool { if case .known = self { true } else { false } }
    fileprivate var isMissing: Bool { if case .missing = self { true } else { false } }
    fileprivate var refusal: KeyRefusal? {
        if case .broken(let refusal) = self { refusal } else { nil }
    }
}

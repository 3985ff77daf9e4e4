import DeliveryCore
import EventLoop
import Foundation
import HTTPSignatures
import PostgresStore
import Testing

@testable import SigningKeys
@testable import WorkerRuntime

extension WithPostgres {
    /// Keys that change under a worker that knows them.
    @Suite final class KeySourceTests {
        private let bench: Bench
        private let alice: KeyID
        private let directory: String
        private let clock = Clock()
        private let old: PrivateKey
        private let new: PrivateKey

        private final class Clock {
            var now = Instant(nanoseconds: 0)
            var flaws: [String] = []
            var failures: [StoreFailure] = []
        }

        init() throws {
            bench = try Bench()
            alice = try KeyID("https://our.example/users/alice#main-key")
            old = try PrivateKey(generating: .ed25519)
            new = try PrivateKey(generating: .ed25519)
            directory = "/tmp/trunkline-keys-\(UInt64.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
        }

        deinit { try? FileManager.default.removeItem(atPath: directory) }

        private func source(withDirectory: Bool = false) -> KeySource {
            let clock = clock
            return KeySource(
                directory: withDirectory ? KeyDirectory(path: directory) : nil, store: bench.store,
                multiBuffer: nil,
                now: { clock.now }, onFlaw: { clock.flaws.append($0) },
                onFailure: { clock.failures.append($0) })
        }

        private func store(_ key: PrivateKey) throws {
            try bench.database.addKey(
                keyID: alice.text, algorithm: "ed25519",
                pem: String(decoding: try key.privatePEM(), as: UTF8.self))
        }

        private func write(_ bytes: [UInt8]) throws {
            let file = "\(directory)/\(KeyDirectory.fileName(of: alice))"
            // Moved into place, as one should: another file, so another stamp.
            try Data(bytes).write(to: URL(filePath: file), options: .atomic)
        }

        private func learn(_ source: KeySource) throws -> [KeyID: String] {
            try bench.answer { done in source.learn([alice], completion: done) }.get()
        }

        /// What it signs with just now, without asking anybody.
        private func signature(_ source: KeySource) -> Result<MadeSignature, SigningFailure> {
            source.ring.sign([SigningTask(keyID: alice, bytes: [1])], now: clock.now)[0]
        }

        private func made(_ key: PrivateKey) throws -> Result<MadeSignature, SigningFailure> {
            .success(MadeSignature(bytes: try key.sign([1]), algorithm: .ed25519))
        }

        @Test
        func `a replaced key is learnt when the controls change, and the old one signs until then`()
            throws
        {
            let source = source()
            try store(old)
            #expect(try learn(source).isEmpty)
            try store(new)
            source.refresh([alice])
            #expect(signature(source) == (try made(old)))

            source.sourcesChanged()
            source.refresh([alice])
            // Asked, not answered: nothing waits.
            #expect(signature(source) == (try made(old)))
            let expected = try made(new)
            bench.turn(until: "the new key is there") { signature(source) == expected }
        }

        @Test func `a removed key is missing once PostgreSQL has said so`() throws {
            let source = source()
            try store(old)
            #expect(try learn(source).isEmpty)
            #expect(try bench.database.removeKey(alice.text))
            source.sourcesChanged()
            source.refresh([alice])
            #expect(signature(source) == (try made(old)))
            bench.turn(until: "it is gone") { signature(source) == .failure(.missingKey) }
        }

        @Test func `a key that was not changed is not parsed again`() throws {
            let source = source()
            try store(old)
            #expect(try learn(source).isEmpty)
            source.sourcesChanged()
            let isOutdated = source.ring.isOutdated(alice)
            #expect(isOutdated)
            source.refresh([alice])
            bench.turn(until: "confirmed") { !source.ring.isOutdated(alice) }
            #expect(signature(source) == (try made(old)))
        }

        @Test func `a missing key that came is found at once after a change of the controls`()
            throws
        {
            let source = source()
            #expect(try learn(source)[alice]?.contains("no key") == true)
            try store(old)
            #expect(try learn(source)[alice] != nil)
            source.sourcesChanged()
            #expect(try learn(source).isEmpty)
        }

        @Test func `a file that was replaced is noticed within ten seconds of use`() throws {
            let source = source(withDirectory: true)
            try write(try old.privatePEM())
            #expect(try learn(source).isEmpty)
            try write(try new.privatePEM())
            clock.now = clock.now + .milliseconds(9_999)
            source.refresh([alice])
            #expect(signature(source) == (try made(old)))
            clock.now = clock.now + .milliseconds(1)
            source.refresh([alice])
            #expect(signature(source) == (try made(new)))
        }

        @Test func `a file that is half written takes no good key away`() throws {
            let source = source(withDirectory: true)
            try write(try old.privatePEM())
            #expect(try learn(source).isEmpty)
            try write(Array("-----BEGIN PRIV".utf8))
            for _ in 1...3 {
                clock.now = clock.now + .seconds(10)
                source.refresh([alice])
            }
            #expect(signature(source) == (try made(old)))
            #expect(clock.flaws.count == 1)
        }

        @Test func `a key whose file is gone is PostgreSQL's, or nobody's`() throws {
            let source = source(withDirectory: true)
            try write(try old.privatePEM())
            try store(new)
            #expect(try learn(source).isEmpty)
            #expect(signature(source) == (try made(old)))
            try FileManager.default.removeItem(
                atPath: "\(directory)/\(KeyDirectory.fileName(of: alice))")
            clock.now = clock.now + .seconds(10)
            source.refresh([alice])
            let expected = try made(new)
            bench.turn(until: "the stored one signs") { signature(source) == expected }
        }

        @Test func `without PostgreSQL the known keys sign on, and it is asked once a second`()
            throws
        {
            let source = source()
            try store(old)
            #expect(try learn(source).isEmpty)
            bench.store.close()
            source.sourcesChanged()
            for _ in 1...5 {
                source.refresh([alice])
                bench.loop.turn(waitingAtMost: .milliseconds(5))
            }
            bench.turn(until: "told") { !clock.failures.isEmpty }
            source.refresh([alice])
            bench.loop.turn(waitingAtMost: .milliseconds(5))
            #expect(clock.failures.count == 1)
            #expect(signature(source) == (try made(old)))
        }
    }
}

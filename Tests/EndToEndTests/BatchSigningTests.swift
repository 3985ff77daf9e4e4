import FaultHarness
import Foundation
import Testing

extension EndToEnd {
    /// Eight signatures at a time, by the real crypto_mb where there is one.
    @Suite(.serialized) struct BatchSigningTests {
        @Test func `what fills no batch is signed and sent all the same`() throws {
            let library = ProcessInfo.processInfo.environment["TRUNKLINE_CRYPTO_MB"]
            try Federation.run(workers: 1, flags: ["--crypto-mb", library ?? "auto"]) {
                federation in
                let (pool, sink) = (federation.pool, federation.sink)
                // Few hosts, which are slow: most is signed long after it was enqueued, when
                // nothing hurries it. Batches fill, and what is over waits.
                try sink.follow(#"{"host": "*", "delay": [60, 120]}"#)
                for count in [40, 13, 5, 40, 1] {
                    let names = (0..<3).map { "batch-\(count)-\($0)-\(UUID())" }
                    let sent = try federation.send(
                        names,
                        to: (0..<count).map { sink.inbox("b\($0 % 6)", "/users/u\($0)/inbox") })
                    try Poll.until("\(count) inboxes have them", within: .seconds(60)) {
                        try pool.states(of: sent) == ["delivered": sent.count]
                    }
                    #expect(try Tally.of(sent, at: sink).losses.isEmpty)
                }
                #expect(try sink.report().badSignatures.isEmpty)
                // Where the library cannot be had, libcrypto signs, and the same holds.
                let signer = contents(of: pool.log).contains("made eight at a time by")
                print("signed by \(signer ? "crypto_mb" : "libcrypto")")
            }
        }
    }
}

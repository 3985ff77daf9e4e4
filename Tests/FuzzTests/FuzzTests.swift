import Foundation
import Testing

/// The promises of every decoder, held to its seeds and to some thousand changes of them.
@Suite struct FuzzTests {
    static let changes = 3_000

    @Test(arguments: Decoder.all.map(\.name))
    func `a decoder keeps its promises, whatever is made of its seeds`(name: String) throws {
        let decoder = try #require(Decoder.named(name))
        let seeds = try Seeds.of(decoder)
        #expect(!seeds.isEmpty)
        for seed in seeds { check(decoder, seed, "a seed") }
        let start = UInt64.random(in: .min ... .max)
        print("\(name): changes of seed \(start)")
        var damage = Damage(seeds: seeds, seed: start)
        for _ in 0..<Self.changes { check(decoder, damage.next(), "changes of seed \(start)") }
    }

    @Test func `every file of seeds has its decoder`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Seeds.directory.path)
        #expect(Set(files) == Set(Decoder.all.map { "\($0.name).txt" }))
    }

    private func check(_ decoder: Decoder, _ bytes: [UInt8], _ what: String) {
        do {
            try decoder.check(bytes)
        } catch {
            let written = bytes.map { 0x20...0x7E ~= $0 && $0 != 0x5C ? text([$0]) : hex($0) }
            Issue.record("\(decoder.name), \(what): \(error); input: \(written.joined())")
        }
    }

    /// As in a file of seeds.
    private func hex(_ byte: UInt8) -> String {
        "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

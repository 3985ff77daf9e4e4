import Foundation
import HTTPSignatures
import SigningKeys
import TestSupport
import Testing

@Suite struct KeyMemoryTests {
    /// Other tests move the process' memory too, but not in most of the rounds; a leak does.
    @Test(
        .disabled(
            if: AddressSanitizer.isOn,
            "AddressSanitizer keeps what was freed, to notice who still uses it"))
    func `ten thousand keys parsed, refused and freed leave no memory behind`() throws {
        let directory = try ScratchDirectory()
        let rsa = try directory.rsa()
        let ed25519 = try directory.ed25519()
        let small = try directory.rsa(bits: 1_024)
        func round() {
            for index in 0..<1_120 {
                let pem = index % 20 == 0 ? rsa : index % 20 == 1 ? small : ed25519
                _ = try? PrivateKey(pem: index % 7 == 6 ? Array(pem.prefix(pem.count / 2)) : pem)
            }
        }
        round()
        var growth: [Int] = []
        for _ in 0..<9 {
            let before = try residentKilobytes()
            round()
            growth.append(try residentKilobytes() - before)
        }
        // With an empty deinit it is 640 kB a round.
        #expect(growth.sorted()[4] < 256, "kB more a round: \(growth)")
    }

    private func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.split(separator: " ", omittingEmptySubsequences: true)[1]))
    }
}

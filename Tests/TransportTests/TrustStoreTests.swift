import DeliveryCore
import Foundation
import Testing

@testable import Transport

struct TrustStoreTests {
    private let file = TLSServers.shared.directory + "/\(UUID().uuidString).pem"
    private let start = Instant(nanoseconds: 0)

    private func write(_ text: String) throws {
        try text.write(toFile: file, atomically: true, encoding: .utf8)
    }

    private func authority(_ name: String) throws -> String {
        try String(contentsOfFile: TLSServers.shared.directory + "/\(name).pem", encoding: .utf8)
    }

    private func store(_ flaws: @escaping (String) -> Void = { _ in }) throws -> TrustStore {
        try TrustStore(
            file: file, checkInterval: .seconds(60), now: start, onFlaw: flaws)
    }

    @Test func `a file that has changed is read at the next look, and only then`() throws {
        try write(authority("authority"))
        let trust = try store()
        let first = trust.certificates
        try write(authority("stranger"))
        #expect(!trust.refresh(now: start + .seconds(59)))
        #expect(trust.certificates === first)
        #expect(trust.refresh(now: start + .seconds(60)))
        let second = trust.certificates
        #expect(second !== first)
        #expect(!trust.refresh(now: start + .seconds(3_600)))
        #expect(trust.certificates === second, "it has not changed since")
    }

    @Test func `a file that seems unchanged is read again after a day`() throws {
        try write(authority("authority"))
        let trust = try store()
        let first = trust.certificates
        #expect(!trust.refresh(now: start + .seconds(86_399)))
        #expect(trust.certificates === first)
        #expect(trust.refresh(now: start + .seconds(86_460)))
        #expect(trust.certificates !== first)
    }

    @Test func `a file that went bad is told of once, and what was read before stays in use`()
        throws
    {
        try write(authority("authority"))
        var flaws: [String] = []
        let trust = try store { flaws.append($0) }
        let first = trust.certificates
        try write("no certificate\n")
        #expect(!trust.refresh(now: start + .seconds(60)))
        #expect(!trust.refresh(now: start + .seconds(120)))
        #expect(trust.certificates === first)
        #expect(flaws.count == 1)
        try FileManager.default.removeItem(atPath: file)
        #expect(!trust.refresh(now: start + .seconds(180)))
        #expect(trust.certificates === first)
        #expect(flaws.count == 2)
        #expect(flaws.last?.contains("No such file") == true, "\(flaws)")
        try write(authority("authority"))
        #expect(trust.refresh(now: start + .seconds(240)))
        #expect(trust.certificates !== first)
    }

    @Test func `the authorities of the system's file can be counted`() throws {
        let count = try Authorities.count(in: Authorities.systemFile)
        #expect(try Authorities.count(in: TLSServers.shared.directory + "/bundle.pem") == count + 1)
    }

    @Test(arguments: [
        "", "no certificate\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ])
    func `a file without usable authorities is refused by name`(text: String) throws {
        try write(text)
        let error = #expect(throws: UnusableAuthorities.self) { try store() }
        #expect(error?.description.contains(file) == true)
    }

    @Test func `one bad certificate among good ones is not passed over`() throws {
        let good = try authority("authority")
        try write(good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + good)
        #expect(throws: UnusableAuthorities.self) { try store() }
    }
}

import Foundation
import HTTPSignatures
import SigningKeys
import Testing

@Suite struct KeyDirectoryTests {
    private let alice = try! KeyID("https://our.example/users/alice#main-key")

    @Test(arguments: [
        (
            "https://our.example/users/alice#main-key",
            "https%3A%2F%2Four.example%2Fusers%2Falice%23main-key.pem"
        ),
        (
            "https://our.example:8443/@A_b-c.d~e?x%2F",
            "https%3A%2F%2Four.example%3A8443%2F%40A_b-c.d~e%3Fx%252F.pem"
        ),
        ("https://our.example/../../etc", "https%3A%2F%2Four.example%2F..%2F..%2Fetc.pem"),
    ])
    func `a keyId is percent-encoded and never leaves the directory`(
        keyID: String, name: String
    ) throws {
        #expect(KeyDirectory.fileName(of: try KeyID(keyID)) == name)
    }

    @Test func `the file of a key is read, and read anew the next time`() throws {
        let scratch = try ScratchDirectory()
        let directory = KeyDirectory(path: scratch.url.path)
        #expect(try directory.pem(of: alice) == nil)
        try scratch.write([1, 2, 3], to: KeyDirectory.fileName(of: alice))
        #expect(try directory.pem(of: alice) == [1, 2, 3])
        try scratch.write([], to: KeyDirectory.fileName(of: alice))
        #expect(try directory.pem(of: alice) == [])
    }

    @Test func `a symbolic link is followed, as Kubernetes mounts secrets`() throws {
        let scratch = try ScratchDirectory()
        let target = try scratch.write([7], to: "..data")
        try FileManager.default.createSymbolicLink(
            at: scratch.url.appendingPathComponent(KeyDirectory.fileName(of: alice)),
            withDestinationURL: target)
        #expect(try KeyDirectory(path: scratch.url.path).pem(of: alice) == [7])
    }

    @Test func `what is no PEM file is refused by path`() throws {
        let scratch = try ScratchDirectory()
        let directory = KeyDirectory(path: scratch.url.path)
        let name = KeyDirectory.fileName(of: alice)
        let path = "\(scratch.url.path)/\(name)"
        try scratch.write([UInt8](repeating: 0, count: 32_769), to: name)
        #expect(throws: KeyDirectory.Flaw.tooLarge(path: path)) { try directory.pem(of: alice) }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        #expect(throws: KeyDirectory.Flaw.notARegularFile(path: path)) {
            try directory.pem(of: alice)
        }
        try FileManager.default.removeItem(atPath: path)
        try #require(mkfifo(path, 0o600) == 0)
        #expect(throws: KeyDirectory.Flaw.notARegularFile(path: path)) {
            try directory.pem(of: alice)
        }
        #expect(
            throws: KeyDirectory.Flaw.unreadable(
                path: "\(path)/\(name)", reason: "Not a directory")
        ) { try KeyDirectory(path: path).pem(of: alice) }
    }

    @Test func `a keyId too long for a file name is refused`() throws {
        let long = try KeyID("https://our.example/" + String(repeating: "a", count: 300))
        #expect(throws: KeyDirectory.Flaw.fileNameTooLong(keyID: long)) {
            try KeyDirectory(path: "/tmp").pem(of: long)
        }
    }
}

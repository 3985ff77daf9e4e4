import Foundation
import TestSupport

/// An actor's key, made and used by the openssl program: the sink checks with libcrypto's
/// functions, so the two share no line of code of ours.
struct Signer: Sendable {
    enum Kind: String { case rsa, ed25519 }

    let keyID: String
    private let directory: String
    private let name: String
    private let kind: Kind

    init(keyID: String, in directory: String, name: String, kind: Kind = .rsa) async throws {
        self.keyID = keyID
        self.directory = directory
        self.name = name
        self.kind = kind
        var make = ["openssl", "genpkey", "-algorithm", kind.rawValue.uppercased()]
        if kind == .rsa { make += ["-pkeyopt", "rsa_keygen_bits:2048"] }
        try await Program(make + ["-out", key], in: directory).result()
        try await Program(
            ["openssl", "pkey", "-in", key, "-pubout", "-out", "\(key).pub"], in: directory
        ).result()
    }

    private var key: String { "\(directory)/\(name).pem" }

    /// Makes the public key known, as the sink's actor files do.
    func publish(in actors: String, as keyID: String? = nil) throws {
        let pem = try String(contentsOfFile: "\(key).pub", encoding: .utf8)
        let file = ["keyId": keyID ?? self.keyID, "publicKeyPem": pem]
        try JSONEncoder().encode(file).write(
            to: URL(filePath: "\(actors)/\(name).json"), options: .atomic)
    }

    /// Base64 of the SHA-256 of a body.
    func digest(of body: String) async throws -> String {
        let file = "\(directory)/body-\(UUID().uuidString)"
        try body.write(toFile: file, atomically: false, encoding: .utf8)
        let result = try await Program(
            ["openssl", "dgst", "-sha256", "-binary", file], in: directory
        ).result()
        return Data(result.output).base64EncodedString()
    }

    /// Base64 of the signature.
    func sign(_ text: String) async throws -> String {
        let file = "\(directory)/message-\(UUID().uuidString)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        let arguments =
            switch kind {
            case .rsa: ["openssl", "dgst", "-sha256", "-sign", key, file]
            case .ed25519:
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file]
            }
        let result = try await Program(arguments, in: directory).result()
        return Data(result.output).base64EncodedString()
    }
}

/// A POST to be signed: what a test may get wrong are its members.
struct SignedRequest: Sendable {
    let url: URL
    /// The body the digest is of.
    var body: String
    /// The body that is sent; another one than `body` is a forgery.
    var sentBody: String
    var date = Date.now
    var covered = ["(request-target)", "host", "date", "digest"]
    var algorithm = "rsa-sha256"
    var signer: Signer?
    var keyID: String?
    var separator = ","
    /// More header lines, or others in place of those of the same name.
    var overrides: [String: String] = [:]
    /// Of the finished Signature header.
    var rewrite: @Sendable (String) -> String = { $0 }

    init(url: String, body: String) {
        self.url = URL(string: url)!
        self.body = body
        sentBody = body
    }

    var target: String { url.path() + (url.query().map { "?\($0)" } ?? "") }
    var authority: String { "\(url.host() ?? ""):\(url.port ?? 0)" }

    static func httpDate(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.string(from: date)
    }

    private func values(digest: String) -> [String: String] {
        [
            "host": authority, "date": Self.httpDate(date), "digest": "SHA-256=\(digest)",
            "content-type": "application/activity+json", "user-agent": "sink-tests",
        ].merging(overrides) { _, other in other }
    }

    /// The header lines for curl, the draft-cavage signature among them.
    func headers(signer alice: Signer) async throws -> [String] {
        let signer = signer ?? alice
        let values = values(digest: try await signer.digest(of: body))
        let lines = covered.map { name in
            name == "(request-target)"
                ? "\(name): post \(target)" : "\(name): \(values[name] ?? "")"
        }
        let signature = try await signer.sign(lines.joined(separator: "\n"))
        let parameters = [
            "keyId=\"\(keyID ?? signer.keyID)\"", "algorithm=\"\(algorithm)\"",
            "headers=\"\(covered.joined(separator: " "))\"", "signature=\"\(signature)\"",
        ]
        let header = rewrite(parameters.joined(separator: separator))
        // curl drops a header whose value is empty.
        return values.map { "\($0): \($1)" } + ["Signature: \(header)"]
    }
}

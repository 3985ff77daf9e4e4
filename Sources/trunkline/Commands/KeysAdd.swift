internal import ArgumentParser
internal import HTTPSignatures
internal import PostgresStore
internal import RedisQueue
internal import SigningKeys

/// `trunkline keys add`
struct KeysAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Stores a private key, and wakes the activities that wait for it.",
        discussion: """
            Prints the public key, which the actor document must publish as publicKeyPem for \
            others to verify what is signed. RSA-2048 is verified everywhere; Ed25519 is far \
            cheaper, and verified by few.

              trunkline keys add \\
                --key-id https://our.example/users/a#main-key --pem key.pem
              trunkline keys add \\
                --key-id https://our.example/users/b#main-key --generate rsa

            A key of this name that is stored already is replaced only with --replace: until \
            other servers fetch the actor anew, they refuse what the new one signs.

            --json: {"key_id": "...", "algorithm": "rsa", "public_key_pem": "...", \
            "changed": true}
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var name: KeyIDOption

    @Option(
        help: ArgumentHelp(
            "The private key as PEM (PKCS#8 or PKCS#1); - is standard input.", valueName: "file"))
    var pem: String?

    @Option(help: ArgumentHelp("Make a new key: rsa (2048 bits) or ed25519.", valueName: "kind"))
    var generate: KeyKind?

    @Flag(help: "Replace the key if there is another of this name.")
    var replace = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if (pem == nil) == (generate == nil) {
            throw ValidationError("Which key? Give either --pem FILE or --generate rsa|ed25519.")
        }
    }

    func run() throws {
        let keyID = try name.checked()
        let key = try privateKey()
        // Both, before anything is changed: a generated key could not be told a second time.
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        let stored = try store(key, as: keyID, in: database)
        // Also when nothing changed: the last run may have failed at this point.
        try redis.tellWorkers("key added: \(keyID)")
        let publicPEM = try written { () throws(CryptoFailure) in try key.publicPEM() }
        if json {
            print(
                JSON.object([
                    ("key_id", .string(keyID.text)),
                    ("algorithm", .string(KeyKind(key.algorithm).rawValue)),
                    ("public_key_pem", .string(publicPEM)), ("changed", .boolean(stored)),
                ]).indented)
        } else {
            note(
                stored
                    ? "stored \(keyID); publish this as publicKeyPem of its actor:"
                    : "\(keyID) is stored already, with this key: nothing changed")
            print(publicPEM, terminator: publicPEM.hasSuffix("\n") ? "" : "\n")
        }
    }

    private func privateKey() throws -> PrivateKey {
        if let generate {
            do {
                return try PrivateKey(generating: generate.algorithm)
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
        let file = pem ?? "-"
        let bytes = try FileInput.bytes(of: file, limit: PrivateKey.pemByteLimit)
        do {
            return try PrivateKey(pem: bytes)
        } catch {
            throw CommandFailure.failed("\(file == "-" ? "standard input" : file): \(error)")
        }
    }

    /// False when this very key is there already.
    private func store(_ key: PrivateKey, as keyID: KeyID, in database: Database) throws -> Bool {
        let pem = try written { () throws(CryptoFailure) in try key.privatePEM() }
        let known = try asking { () throws(StoreFailure) in
            try database.query(
                "select pem, retired_at is null from trunkline.signing_key where key_id = $1",
                [keyID.text])
        }
        if let known = known.first {
            if known[0] == pem, known[1] == "t" { return false }
            guard replace else {
                throw CommandFailure.failed(
                    "another key is stored as \(keyID), see `trunkline keys public`; give --replace to "
                        + "put this one in its place")
            }
        }
        try asking { () throws(StoreFailure) in
            try database.transaction { () throws(StoreFailure) in
                try database.addKey(
                    keyID: keyID.text, algorithm: KeyKind(key.algorithm).rawValue, pem: pem)
                try database.audit(
                    known.isEmpty ? "key added" : "key replaced", subject: keyID.text)
            }
        }
        return true
    }

    private func written(
        _ write: () throws(CryptoFailure) -> [UInt8]
    ) throws(CommandFailure) -> String {
        do {
            return String(decoding: try write(), as: UTF8.self)
        } catch {
            throw .failed("\(error)")
        }
    }
}

/// The kinds of keys, as the flag and the column `signing_key.algorithm` name them.
enum KeyKind: String, ExpressibleByArgument, CaseIterable {
    case rsa, ed25519

    init(_ algorithm: SignatureAlgorithm) {
        switch algorithm {
        case .rsaSHA256: self = .rsa
        case .ed25519: self = .ed25519
        }
    }

    var algorithm: SignatureAlgorithm {
        switch self {
        case .rsa: .rsaSHA256
        case .ed25519: .ed25519
        }
    }
}

extension KeyIDOption {
    /// - Throws: ``CommandFailure`` of usage, with the advice.
    func checked() throws(CommandFailure) -> KeyID {
        do {
            return try KeyID(keyID)
        } catch {
            throw .usage("--key-id `\(keyID.printable)` \(error.advice)")
        }
    }
}

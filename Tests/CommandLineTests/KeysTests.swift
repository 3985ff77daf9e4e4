import Foundation
import PostgresStore
import RedisQueue
import Testing

/// `trunkline keys`: what it stores, shows and refuses.
@Suite(.pool) struct KeysTests {
    private static let name = "https://our.example/users/a#main-key"

    @Test func `a key is added, shown, listed and removed`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let (pem, publicPEM) = try Self.makeKey()

        let added = try tenant.run(
            "keys", "add", "--key-id", Self.name, "--pem", scratch.write(pem, to: "key.pem"))
        #expect(added.code == 0, "\(added.errors)")
        #expect(added.output == publicPEM)
        #expect(added.errors.contains("publicKeyPem"))

        let shown = try tenant.run("keys", "public", "--key-id", Self.name)
        #expect(shown.output == publicPEM)

        let listed = try tenant.run("keys", "list", "--json").json()
        let keys = try #require(listed["keys"] as? [[String: Any]])
        #expect(keys.count == 1)
        #expect(Set(keys[0].keys) == ["key_id", "algorithm", "created_at", "retired_at"])
        #expect(keys[0]["key_id"] as? String == Self.name)
        #expect(keys[0]["algorithm"] as? String == "rsa")
        #expect(keys[0]["retired_at"] is NSNull)

        let removed = try tenant.run("keys", "remove", "--key-id", Self.name)
        #expect(removed.code == 0)
        #expect(try tenant.database().listKeys().isEmpty)
        let again = try tenant.run("keys", "remove", "--key-id", Self.name)
        #expect(again.code == 1)
        #expect(again.errors.contains("there is no key"))
    }

    @Test(arguments: ["rsa", "ed25519"])
    func `a key that was made here is stored and its public half told`(kind: String) throws {
        let tenant = try Pool.required.tenant()
        let made = try tenant.run(
            "keys", "add", "--key-id", Self.name, "--generate", kind, "--json"
        ).json()
        #expect(made["algorithm"] as? String == kind)
        let shown = try tenant.run("keys", "public", "--key-id", Self.name)
        #expect(made["public_key_pem"] as? String == shown.output)
        #expect(shown.output.hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
    }

    @Test func `another key of the same name is refused until --replace is given`() throws {
        let tenant = try Pool.required.tenant()
        let first = try tenant.run("keys", "add", "--key-id", Self.name, "--generate", "ed25519")
        let refused = try tenant.run("keys", "add", "--key-id", Self.name, "--generate", "ed25519")
        #expect(refused.code == 1 && refused.output.isEmpty)
        #expect(refused.errors.contains("--replace"))
        #expect(try tenant.run("keys", "public", "--key-id", Self.name).output == first.output)
        let second = try tenant.run(
            "keys", "add", "--key-id", Self.name, "--generate", "ed25519", "--replace")
        #expect(second.code == 0 && second.output != first.output)
        #expect(try tenant.run("keys", "public", "--key-id", Self.name).output == second.output)
    }

    @Test func `adding wakes the workers, also when nothing changed, and is written down`() throws {
        let tenant = try Pool.required.tenant()
        let (pem, _) = try Self.makeKey()
        let redis = try tenant.redis()
        for epoch in ["1", "2"] {
            let added = try tenant.run(
                "keys", "add", "--key-id", Self.name, "--pem", "-", input: pem)
            #expect(added.code == 0, "\(added.errors)")
            #expect(try redis.command(["HGET", redis.keys.control, "epoch"]).text == epoch)
        }
        let audit = try tenant.database().query("select action, subject from trunkline.audit")
        #expect(audit == [["key added", Self.name]])
    }

    @Test(arguments: [
        ("no key at all", "no PEM block was found"),
        ("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", "this is a public key"),
        ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "CERTIFICATE"),
    ])
    func `what is no private key is refused in words`(pem: String, sentence: String) throws {
        let tenant = try Pool.required.tenant()
        let result = try tenant.run("keys", "add", "--key-id", Self.name, "--pem", "-", input: pem)
        #expect(result.code == 1)
        #expect(result.errors.contains(sentence), "\(result.errors)")
        #expect(try tenant.database().listKeys().isEmpty)
    }

    @Test func `without Redis nothing is stored`() throws {
        var tenant = try Pool.required.tenant()
        tenant.redisURL = "redis+unix:///tmp/nowhere.sock"
        let result = try tenant.run("keys", "add", "--key-id", Self.name, "--generate", "ed25519")
        #expect(result.code == 1 && result.output.isEmpty)
        #expect(result.errors.contains("Redis at redis+unix:///tmp/nowhere.sock"))
        #expect(try tenant.database().listKeys().isEmpty)
    }

    @Test func `keys that activities wait for are listed as missing`() throws {
        let tenant = try Pool.required.tenant()
        try tenant.database().query(
            "insert into trunkline.parked (activity, reason, key_id) values (7, 'missing', $1)",
            [Self.name])
        let listed = try tenant.run("keys", "list", "--json").json()
        let missing = try #require(listed["missing"] as? [[String: Any]])
        #expect(missing.count == 1)
        #expect(missing[0]["key_id"] as? String == Self.name)
        #expect(missing[0]["waiting"] as? Int == 1)
        let text = try tenant.run("keys", "list").output
        #expect(text.contains("MISSING KEY") && text.contains(Self.name))
    }

    /// By openssl, as an operator would.
    private static func makeKey() throws -> (pem: String, publicPEM: String) {
        let openssl = URL(filePath: "/usr/bin/openssl")
        let made = try Trunkline.run(openssl, ["genrsa", "2048"])
        let published = try Trunkline.run(openssl, ["rsa", "-pubout"], input: made.output)
        return (made.output, published.output)
    }
}

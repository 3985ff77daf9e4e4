import DeliveryCore
import Foundation
import HTTPSignatures
import SigningKeys
import Testing

/// Our requests before verifiers that others wrote: PyPI `httpsig` (draft-cavage) and
/// `http-message-signatures` (RFC 9421). Where python3 is, pip must be able to install them:
/// a test that can't says why and fails.
@Suite(.enabled(if: pythonIsThere)) struct VerifierTests {
    private let keyID = try! KeyID("https://our.example/users/alice#main-key")
    private let body = Array(#"{"id":"https://our.example/1","type":"Create"}"#.utf8)

    @Test func `httpsig verifies our draft-cavage requests and refuses changed ones`() throws {
        let genuine = try cavage(synchronized: true)
        var requests = [try cavage(synchronized: false), genuine]
        var expected = Array(repeating: "True \(keyID) rsa-sha256", count: 2)
        for field in ["target", "host", "date", "digest", "synchronization"] {
            var changed = genuine
            changed[field, default: ""] += "0"
            requests.append(changed)
            expected.append("False \(keyID) rsa-sha256")
        }
        // httpsig imports pkg_resources, which left setuptools in version 81.
        let verdicts = try verify(
            requests, with: ["setuptools<81", "httpsig==1.3.0"],
            script: """
                import json, sys
                from httpsig.verify import HeaderVerifier
                for r in json.load(sys.stdin):
                    headers = {"Host": r["host"], "Date": r["date"], "Digest": r["digest"],
                               "Signature": r["signature"]}
                    required = ["(request-target)", "host", "date", "digest"]
                    if r["synchronization"]:
                        headers["Collection-Synchronization"] = r["synchronization"]
                        required.append("collection-synchronization")
                    verifier = HeaderVerifier(headers, r["pem"], required_headers=required,
                        method="POST", path=r["target"], sign_header="signature")
                    print(verifier.verify(), verifier.auth_dict["keyid"],
                        verifier.auth_dict["algorithm"])
                """)
        #expect(verdicts == expected)
    }

    @Test func `http-message-signatures verifies ours by RFC 9421 and refuses changed ones`() throws
    {
        let genuine = try message(.rsaSHA256)
        var requests = [genuine, try message(.ed25519)]
        var expected = Array(
            repeating: "@method @target-uri content-digest @signature-params \(keyID)", count: 2)
        for field in ["url", "body"] {
            var changed = genuine
            changed[field, default: ""] += "0"
            requests.append(changed)
            expected.append("refused")
        }
        let verdicts = try verify(
            requests, with: ["http-message-signatures==3.0.0"],
            script: """
                import json, sys
                from cryptography.hazmat.primitives.serialization import load_pem_public_key
                from http_message_signatures import (HTTPMessageVerifier,
                    HTTPSignatureKeyResolver, InvalidSignature, algorithms)
                class Message:
                    def __init__(self, r):
                        self.method, self.url = "POST", r["url"]
                        self.headers = {"Content-Digest": r["digest"],
                            "Signature-Input": r["input"], "Signature": r["signature"]}
                class Keys(HTTPSignatureKeyResolver):
                    def __init__(self, pem): self.key = load_pem_public_key(pem.encode())
                    def resolve_public_key(self, key_id): return self.key
                for r in json.load(sys.stdin):
                    verifier = HTTPMessageVerifier(
                        signature_algorithm=getattr(algorithms, r["algorithm"]),
                        key_resolver=Keys(r["pem"]))
                    try:
                        result = verifier.verify(Message(r), body=r["body"].encode())[0]
                        names = [name.strip('"') for name in result.covered_components]
                        print(*names, result.parameters["keyid"])
                    except InvalidSignature:
                        print("refused")
                """)
        #expect(verdicts == expected)
    }

    /// Installs the packages into the test's own directory; returns the lines that the script
    /// prints.
    private func verify(
        _ requests: [[String: String]], with packages: [String], script: String
    ) throws -> [String] {
        let directory = try ScratchDirectory()
        let site = directory.url.appendingPathComponent("site").path
        let install = "python3 -m pip install --quiet --disable-pip-version-check --target \(site)"
        try run(install.split(separator: " ").map(String.init) + packages, in: directory)
        let output = try run(
            ["python3", "-W", "ignore", "-c", script],
            input: Array(try JSONEncoder().encode(requests)),
            environment: ["PYTHONPATH": site], in: directory)
        return text(output).split(separator: "\n").map(String.init)
    }

    private func cavage(synchronized: Bool) throws -> [String: String] {
        let key = try PrivateKey(generating: .rsaSHA256)
        var request = DraftCavage.Request(
            target: Array("/inbox?x=1".utf8), host: Array("remote.example:8443".utf8),
            date: HTTPDate.imfFixdate(WallTime(milliseconds: 1_788_339_907_000)),
            digest: Digest.value(sha256: SHA256.hash(body)))
        if synchronized { request.collectionSynchronization = try synchronization() }
        let signature = DraftCavage.signatureValue(
            keyID: keyID, algorithm: key.algorithm, request: request,
            signature: try key.sign(DraftCavage.signingString(request)))
        return [
            "pem": text(try key.publicPEM()), "target": text(request.target),
            "host": text(request.host), "date": text(request.date),
            "digest": text(request.digest), "signature": text(signature),
            "synchronization": text(request.collectionSynchronization?.value ?? []),
        ]
    }

    private func synchronization() throws -> CollectionSynchronization {
        var followers = FollowersDigest()
        followers.toggle(SHA256.hash(Array("https://our.example/users/bob".utf8)))
        return try CollectionSynchronization(
            collectionID: "https://our.example/users/alice/followers",
            url: "https://our.example/users/alice/followers_synchronization", digest: followers)
    }

    private func message(_ algorithm: SignatureAlgorithm) throws -> [String: String] {
        let key = try PrivateKey(generating: algorithm)
        let contentDigest = Digest.contentDigestValue(sha256: SHA256.hash(body))
        let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let signature = MessageSignature(
            target: try InboxTarget(url: "https://Remote.example/inbox?x=1"),
            contentDigest: contentDigest, keyID: keyID, created: now, algorithm: algorithm)
        return [
            "pem": text(try key.publicPEM()), "url": "https://remote.example/inbox?x=1",
            "digest": text(contentDigest), "input": text(signature.inputValue),
            "signature": text(signature.signatureValue(try key.sign(signature.base))),
            "algorithm": algorithm == .ed25519 ? "ED25519" : "RSA_V1_5_SHA256",
            "body": text(body),
        ]
    }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private let pythonIsThere =
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/python3")
    }

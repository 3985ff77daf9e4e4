internal import DeliveryCore
internal import Glibc
internal import HTTPSignatures
internal import SigningKeys

extension Operation {
    static var signing: [Operation] {
        [
            signature("sign-rsa-2048", .rsaSHA256), signature("sign-ed25519", .ed25519),
            signaturesByEight,
        ]
    }

    /// Of a request's bytes, by libcrypto.
    private static func signature(_ name: String, _ algorithm: SignatureAlgorithm) -> Operation {
        Operation(name) { () throws(Flaw) in
            let key = try made(algorithm)
            let bytes = DraftCavage.signingString(.sample)
            return (
                body: { (try? key.sign(bytes)) ?? [] }, isRight: { key.verifies($0, of: bytes) }
            )
        }
    }

    /// A turn's eight with one key, by crypto_mb: ours around it included.
    private static var signaturesByEight: Operation {
        let lanes = MultiBufferSigner.lanes
        return Operation("sign-rsa-2048-batch-of-8", batch: lanes) { () throws(Flaw) in
            let key = try made(.rsaSHA256)
            guard let keyID = try? KeyID(SampleActivity.key), let pem = try? key.privatePEM() else {
                throw .wrong("the key has no name, or no PEM")
            }
            var ring = KeyRing(multiBuffer: try multiBuffer())
            let now = Instant(nanoseconds: 0)
            ring.insert(keyID, pem: pem, now: now)
            let tasks = (0..<lanes).map { lane in
                SigningTask(
                    keyID: keyID, bytes: DraftCavage.signingString(.sample) + [UInt8(lane)])
            }
            return (
                body: { ring.sign(tasks, now: now) },
                isRight: { made in
                    made.count == lanes && ring.multiBuffer?.tally.calls == 1
                        && zip(made, tasks).allSatisfy { result, task in
                            let signature = try? result.get()
                            return signature.map { key.verifies($0.bytes, of: task.bytes) } == true
                        }
                }
            )
        }
    }

    private static func made(_ algorithm: SignatureAlgorithm) throws(Flaw) -> PrivateKey {
        do { return try PrivateKey(generating: algorithm) } catch { throw .wrong("\(error)") }
    }

    private static func multiBuffer() throws(Flaw) -> MultiBufferSigner {
        let name = getenv("CRYPTO_MB_LIBRARY").map { String(cString: $0) }
        do throws(MultiBufferRefusal) {
            return try MultiBufferSigner(library: name ?? MultiBufferSigner.standardName)
        } catch {
            throw .unavailable("crypto_mb does not sign here: \(error)")
        }
    }
}

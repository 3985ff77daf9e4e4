package import DeliveryCore
package import HTTPSignatures

/// One signature to make.
package struct SigningTask: Sendable {
    package var keyID: KeyID
    package var bytes: [UInt8]

    package init(keyID: KeyID, bytes: [UInt8]) {
        self.keyID = keyID
        self.bytes = bytes
    }
}

/// Why a task got no signature.
package enum SigningFailure: Error, Equatable, Sendable {
    /// The ring knows nothing of the key (it may have been pushed out): ask the source, try again.
    case unknownKey
    case missingKey
    case brokenKey(KeyRefusal)
    case crypto(CryptoFailure)
}

/// A signature, and what it was made with: the field names the algorithm.
package struct MadeSignature: Equatable, Sendable {
    package var bytes: [UInt8]
    package var algorithm: SignatureAlgorithm
}

extension KeyRing {
    /// Makes a turn's signatures: one result a task, in the order of the tasks.
    ///
    /// A whole turn at once, because multi-buffer RSA signs eight for a third of the price. One
    /// task's failure does not touch the others.
    package mutating func sign(
        _ batch: [SigningTask], now: Instant
    ) -> [Result<MadeSignature, SigningFailure>] {
        batch.map { task in
            Result { () throws(SigningFailure) in try sign(task, now: now) }
        }
    }

    private mutating func sign(
        _ task: SigningTask, now: Instant
    ) throws(SigningFailure) -> MadeSignature {
        switch knowledge(of: task.keyID, now: now) {
        case .known(let key):
            do {
                return MadeSignature(bytes: try key.sign(task.bytes), algorithm: key.algorithm)
            } catch {
                throw .crypto(error)
            }
        case .missing: throw .missingKey
        case .broken(let refusal): throw .brokenKey(refusal)
        case nil: throw .unknownKey
        }
    }
}

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
    /// A whole turn at once, because multi-buffer RSA signs eight for a half or a third of the
    /// price. One task's failure does not touch the others.
    ///
    /// - Parameter beginning: told the place of the task that comes next; nil: several at once.
    package mutating func sign(
        _ batch: [SigningTask], now: Instant, beginning: (Int?) -> Void = { _ in }
    ) -> [Result<MadeSignature, SigningFailure>] {
        beginning(nil)
        let keys = batch.map { key(of: $0.keyID, now: now) }
        var made = signEight(batch, keys)
        return batch.indices.map { index in
            if let bytes = made.removeValue(forKey: index) {
                return .success(MadeSignature(bytes: bytes, algorithm: .rsaSHA256))
            }
            beginning(index)
            return keys[index].flatMap { key in
                Result { () throws(CryptoFailure) in try key.sign(batch[index].bytes) }
                    .map { MadeSignature(bytes: $0, algorithm: key.algorithm) }
                    .mapError { .crypto($0) }
            }
        }
    }

    private mutating func key(
        of keyID: KeyID, now: Instant
    ) -> Result<PrivateKey, SigningFailure> {
        switch knowledge(of: keyID, now: now) {
        case .known(let key): .success(key)
        case .missing: .failure(.missingKey)
        case .broken(let refusal): .failure(.brokenKey(refusal))
        case nil: .failure(.unknownKey)
        }
    }

    /// Signatures by the places of their tasks: of those RSA keys of one size that are enough for
    /// a call to pay.
    private func signEight(
        _ batch: [SigningTask], _ keys: [Result<PrivateKey, SigningFailure>]
    ) -> [Int: [UInt8]] {
        guard let multiBuffer, batch.count >= multiBuffer.leastLanes else { return [:] }
        var places: [Int: [Int]] = [:]
        for (place, key) in keys.enumerated() {
            guard let bits = (try? key.get())?.numbers?.bits else { continue }
            places[bits, default: []].append(place)
        }
        var made: [Int: [UInt8]] = [:]
        for var rest in places.values.map({ $0[...] }) {
            while rest.count >= multiBuffer.leastLanes {
                let group = rest.prefix(MultiBufferSigner.lanes)
                rest = rest.dropFirst(group.count)
                let tasks = group.compactMap { place in
                    (try? keys[place].get())?.numbers.map {
                        MultiBufferSigner.Task(numbers: $0, message: batch[place].bytes)
                    }
                }
                for (place, signature) in zip(group, multiBuffer.sign(tasks)) {
                    made[place] = signature
                }
            }
        }
        return made
    }
}

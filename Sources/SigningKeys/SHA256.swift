internal import CCrypto

/// SHA-256 (FIPS 180-4): of bodies, of signed strings, of followers' ids.
package enum SHA256 {
    package static let byteCount = 32

    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { digest, count in
            bytes.withUnsafeBufferPointer { input in
                let written = CCrypto.SHA256(input.baseAddress, input.count, digest.baseAddress)
                // It allocates a context; there is no other way for it to fail.
                precondition(written != nil, "no memory for a SHA-256")
            }
            count = byteCount
        }
    }
}

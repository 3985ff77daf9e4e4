internal import CCrypto
package import HTTPSignatures

/// A private key that signs: RSA of 2,048 to 8,192 bits, or Ed25519.
///
/// Parsing costs more than a signature (600 us and as much again for the first one, against 425),
/// so it is done once and ``KeyRing`` keeps the result. About 6 kB each.
package final class PrivateKey {
    /// Receivers refuse smaller RSA keys, and every signature costs the cube of the size.
    package static let rsaBits = 2_048...8_192

    package let algorithm: SignatureAlgorithm
    private let key: OpaquePointer
    /// For signing eight at a time; nil for a key that signs alone.
    private(set) lazy var numbers = algorithm == .rsaSHA256 ? RSANumbers(of: key) : nil

    /// Signs hashes with RSA, one after the other; made with the first signature.
    private var rsaContext: OpaquePointer?

    /// Takes ownership of `key`, also when it throws.
    init(owning key: OpaquePointer) throws(KeyRefusal) {
        do {
            algorithm = try Self.algorithm(of: key)
        } catch {
            // No deinit runs for an object that was never whole.
            EVP_PKEY_free(key)
            throw error
        }
        self.key = key
    }

    deinit {
        EVP_PKEY_CTX_free(rsaContext)
        EVP_PKEY_free(key)
    }

    /// Signs the bytes themselves: RSASSA-PKCS1-v1_5 over their SHA-256, or Ed25519.
    ///
    /// RSA by a context that is kept: one for each signature, or a copy of a template, takes 3 us and
    /// 12 allocations more. For Ed25519 there is none that signs twice.
    package func sign(_ bytes: [UInt8]) throws(CryptoFailure) -> [UInt8] {
        switch algorithm {
        case .rsaSHA256:
            guard let context = rsaContext ?? makeRSAContext() else {
                throw CryptoFailure("the key cannot sign")
            }
            rsaContext = context
            return try signature { output, length in
                SHA256.hash(bytes).withUnsafeBufferPointer { hash in
                    EVP_PKEY_sign(context, output, &length, hash.baseAddress, hash.count)
                }
            }
        case .ed25519:
            guard let context = EVP_MD_CTX_new() else { throw CryptoFailure("no signing context") }
            defer { EVP_MD_CTX_free(context) }
            guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
                throw CryptoFailure("the key cannot sign")
            }
            return try signature { output, length in
                bytes.withUnsafeBufferPointer { input in
                    EVP_DigestSign(context, output, &length, input.baseAddress, input.count)
                }
            }
        }
    }

    /// Makes room for a signature, and has it written there; 1 means that it was.
    private func signature(
        written write: (UnsafeMutablePointer<UInt8>?, inout Int) -> Int32
    ) throws(CryptoFailure) -> [UInt8] {
        var length = Int(EVP_PKEY_get_size(key))
        var isMade = false
        let signature = [UInt8](unsafeUninitializedCapacity: length) { output, count in
            isMade = write(output.baseAddress, &length) == 1
            if isMade { count = length }
        }
        guard isMade else { throw CryptoFailure("signing failed") }
        return signature
    }

    private func makeRSAContext() -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new(key, nil) else { return nil }
        guard EVP_PKEY_sign_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
            EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
        else {
            EVP_PKEY_CTX_free(context)
            return nil
        }
        return context
    }

    /// Whether `signature` is this key's over `bytes`, by its public half.
    package func verifies(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            CryptoFailure.clear()
        }
        guard EVP_DigestVerifyInit(context, nil, digest, nil, key) == 1 else { return false }
        return signature.withUnsafeBufferPointer { signature in
            bytes.withUnsafeBufferPointer { bytes in
                EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, bytes.baseAddress,
                    bytes.count)
            }
        } == 1
    }

    /// The private key as unencrypted PKCS#8 PEM: for storing it, never for a log.
    package func privatePEM() throws(CryptoFailure) -> [UInt8] {
        try pem("the private key cannot be written") { bio in
            PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil)
        }
    }

    /// The public key as SubjectPublicKeyInfo PEM: what `publicKeyPem` of an actor document holds.
    package func publicPEM() throws(CryptoFailure) -> [UInt8] {
        try pem("the public key cannot be written") { bio in PEM_write_bio_PUBKEY(bio, key) }
    }

    /// Ed25519 hashes for itself.
    private var digest: OpaquePointer? { algorithm == .rsaSHA256 ? EVP_sha256() : nil }

    private func pem(
        _ failure: String, write: (OpaquePointer) -> Int32
    ) throws(CryptoFailure) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { throw CryptoFailure(failure) }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { throw CryptoFailure(failure) }
        var start: UnsafeMutablePointer<CChar>?
        let count = trunkline_bio_bytes(bio, &start)
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    private static func algorithm(
        of key: OpaquePointer
    ) throws(KeyRefusal) -> SignatureAlgorithm {
        if EVP_PKEY_is_a(key, "ED25519") == 1 { return .ed25519 }
        guard EVP_PKEY_is_a(key, "RSA") == 1 else {
            throw .wrongKind(String(cString: EVP_PKEY_get0_type_name(key)))
        }
        let bits = Int(EVP_PKEY_get_bits(key))
        guard rsaBits.contains(bits) else { throw .wrongSize(bits: bits) }
        return .rsaSHA256
    }
}

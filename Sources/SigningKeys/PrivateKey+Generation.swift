internal import CCrypto
package import HTTPSignatures

extension PrivateKey {
    /// Makes a new key: RSA-2048 (a tenth of a second of CPU), or Ed25519.
    ///
    /// More RSA bits would buy nothing: WordPress verifies larger keys with another hash.
    package convenience init(generating algorithm: SignatureAlgorithm) throws(CryptoFailure) {
        let name = algorithm == .rsaSHA256 ? "RSA" : "ED25519"
        guard let context = EVP_PKEY_CTX_new_from_name(nil, name, nil) else {
            throw CryptoFailure("libcrypto knows no \(name) keys")
        }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_keygen_init(context) == 1 else {
            throw CryptoFailure("libcrypto makes no \(name) keys")
        }
        if algorithm == .rsaSHA256 {
            let bits = Int32(Self.rsaBits.lowerBound)
            guard EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1 else {
                throw CryptoFailure("libcrypto makes no RSA keys of \(bits) bits")
            }
        }
        var key: OpaquePointer?
        guard EVP_PKEY_generate(context, &key) == 1, let key else {
            throw CryptoFailure("making a key failed")
        }
        do {
            try self.init(owning: key)
        } catch {
            preconditionFailure("libcrypto made a key that is refused: \(error)")
        }
    }
}

import CSinkCrypto

/// A parsed public key of libcrypto.
///
/// `@unchecked Sendable`: an EVP_PKEY is not changed after it is read, and libcrypto allows any
/// number of threads to verify with one (openssl-threads(7)).
final class PublicKey: @unchecked Sendable {
    enum Kind: Sendable { case rsa, ed25519 }

    let kind: Kind
    /// What it was read from: tells a changed key from the same one read again.
    let pem: String
    private let key: OpaquePointer

    /// Nil unless the text is a SubjectPublicKeyInfo PEM of an RSA key of at least 2048 bits or of
    /// an Ed25519 key.
    init?(pem: String) {
        let bytes = Array(pem.utf8)
        guard let source = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { return nil }
        defer { BIO_free(source) }
        guard let key = PEM_read_bio_PUBKEY(source, nil, nil, nil) else {
            ERR_clear_error()
            return nil
        }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA where EVP_PKEY_get_bits(key) >= 2048: kind = .rsa
        case EVP_PKEY_ED25519: kind = .ed25519
        default:
            EVP_PKEY_free(key)
            return nil
        }
        self.pem = pem
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// RSA is PKCS#1 v1.5 with SHA-256; Ed25519 hashes for itself.
    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        let digest: OpaquePointer? =
            switch kind {
            case .rsa: EVP_sha256()
            case .ed25519: nil
            }
        let verified =
            EVP_DigestVerifyInit(context, nil, digest, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        if !verified { ERR_clear_error() }
        return verified
    }
}

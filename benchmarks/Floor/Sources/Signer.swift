internal import CCrypto
internal import Glibc

/// One RSA key, and one context that signs again and again.
final class Signer {
    private let context: OpaquePointer
    private var signature: [UInt8]

    init(pem: [UInt8]) {
        let key = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count))
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, trunkline_no_passphrase, nil)
        }
        guard let key, let context = EVP_PKEY_CTX_new(key, nil), EVP_PKEY_sign_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
            EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
        else { stop("no RSA key in the PEM file") }
        self.context = context
        signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
    }

    /// How many characters `sign` writes, without the NUL behind them.
    var base64Count: Int { (signature.count + 2) / 3 * 4 }

    /// Writes the signature over `bytes` as base64, and a NUL.
    func sign(_ bytes: [UInt8], into output: UnsafeMutablePointer<CChar>) {
        var hash: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = signature.count
        let status = withUnsafeMutableBytes(of: &hash) { hash in
            let digest = hash.assumingMemoryBound(to: UInt8.self)
            SHA256(bytes, bytes.count, digest.baseAddress)
            return EVP_PKEY_sign(context, &signature, &count, digest.baseAddress, digest.count)
        }
        guard status == 1 else { stop("signing failed") }
        let characters = UnsafeMutableRawPointer(output).assumingMemoryBound(to: UInt8.self)
        EVP_EncodeBlock(characters, signature, Int32(count))
    }
}

/// What every inbox gets: the bytes, and the value of their `Digest` field.
final class Body {
    let bytes: UnsafeMutablePointer<UInt8>
    let count: Int
    let digest: String

    init(_ content: [UInt8]) {
        count = content.count
        bytes = .allocate(capacity: max(count, 1))
        bytes.initialize(from: content, count: count)
        var hash = [UInt8](repeating: 0, count: 32)
        SHA256(content, count, &hash)
        var text = [UInt8](repeating: 0, count: 45)
        EVP_EncodeBlock(&text, hash, Int32(hash.count))
        digest = "SHA-256=" + String(decoding: text.dropLast(), as: UTF8.self)
    }

    deinit { bytes.deallocate() }
}

internal import CCrypto

extension PrivateKey {
    /// The most bytes that are looked at: RSA-8192 takes 6.5 kB.
    package static let pemByteLimit = 32_768

    /// Reads the first private key of a PEM text: PKCS#8, PKCS#1, or anything libcrypto knows.
    ///
    /// It then signs and verifies once. That costs what the first signature would cost anyway
    /// (libcrypto prepares the key), and a damaged key shows up here instead of as a 401 from every
    /// server.
    package convenience init(pem: [UInt8]) throws(KeyRefusal) {
        guard pem.count <= Self.pemByteLimit else { throw .tooLarge(bytes: pem.count) }
        try Self.checkLabels(pem)
        try self.init(owning: try Self.parse(pem))
        let probe = Array("trunkline".utf8)
        guard let signature = try? sign(probe), verifies(signature, of: probe) else {
            throw .inconsistent
        }
    }

    private static func parse(_ pem: [UInt8]) throws(KeyRefusal) -> OpaquePointer {
        let parsed = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
                return nil
            }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, trunkline_no_passphrase, nil)
        }
        guard let parsed else { throw .malformed(CryptoFailure("libcrypto refuses it")) }
        CryptoFailure.clear()
        return parsed
    }

    /// Tells apart what libcrypto calls "unsupported" or "no start line".
    private static func checkLabels(_ pem: [UInt8]) throws(KeyRefusal) {
        let labels = Self.labels(pem)
        if labels.contains("ENCRYPTED PRIVATE KEY") || Self.contains("Proc-Type: 4,ENCRYPTED", pem)
        {
            throw .encrypted
        }
        if labels.contains("OPENSSH PRIVATE KEY") { throw .openSSHFormat }
        if labels.contains(where: { $0.hasSuffix("PRIVATE KEY") }) { return }
        if labels.contains(where: { $0.hasSuffix("PUBLIC KEY") }) { throw .publicKey }
        if let label = labels.first { throw .notAKey(label: label) }
        throw .notPEM
    }

    /// The labels of all `-----BEGIN label-----` lines.
    private static func labels(_ pem: [UInt8]) -> [String] {
        let lines = pem.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        return lines.compactMap { line in
            let prefix = "-----BEGIN ".utf8
            let suffix = "-----".utf8
            guard line.starts(with: prefix), line.count <= 80 else { return nil }
            let rest = line.dropFirst(prefix.count)
            guard rest.reversed().starts(with: suffix) else { return nil }
            return String(decoding: rest.dropLast(suffix.count), as: UTF8.self)
        }
    }

    private static func contains(_ header: String, _ pem: [UInt8]) -> Bool {
        pem.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: header.utf8) }
    }
}

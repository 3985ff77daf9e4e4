import CSinkCrypto
import Glibc

/// An X.509 certificate of libcrypto.
struct Certificate: ~Copyable {
    private let pointer: OpaquePointer

    /// A certificate authority that lives ten years.
    init(authorityWith key: borrowing PrivateKey) throws {
        pointer = try Self.draft(
            commonName: "Trunkline sink CA", days: 3_650, key: key.pointer, issuer: nil,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ], signingKey: key.pointer)
    }

    /// The certificate of every name one label under `fedi.localhost`, and of loopback itself.
    ///
    /// A wildcard stands for one label only (RFC 6125 section 6.4.3). 397 days: longer ones are
    /// refused by some clients.
    init(
        serverWith key: borrowing PrivateKey, signedBy authority: borrowing Certificate,
        authorityKey: borrowing PrivateKey
    ) throws {
        let names =
            "DNS:*.fedi.localhost,DNS:fedi.localhost,DNS:localhost,IP:127.0.0.1,IP:::1"
        pointer = try Self.draft(
            commonName: "*.fedi.localhost", days: 397, key: key.pointer, issuer: authority.pointer,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth"),
                (NID_subject_alt_name, names),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
            ], signingKey: authorityKey.pointer)
    }

    init?(file path: String) {
        guard let source = BIO_new_file(path, "r") else {
            ERR_clear_error()
            return nil
        }
        defer { BIO_free(source) }
        guard let pointer = PEM_read_bio_X509(source, nil, nil, nil) else {
            ERR_clear_error()
            return nil
        }
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    func isValid(at time: time_t) -> Bool {
        var time = time
        return X509_cmp_time(X509_get0_notBefore(pointer), &time) < 0
            && X509_cmp_time(X509_get0_notAfter(pointer), &time) > 0
    }

    func isSigned(by authority: borrowing Certificate) -> Bool {
        let verified = X509_verify(pointer, X509_get0_pubkey(authority.pointer)) == 1
        if !verified { ERR_clear_error() }
        return verified
    }

    func fits(_ key: borrowing PrivateKey) -> Bool {
        let fits = X509_check_private_key(pointer, key.pointer) == 1
        if !fits { ERR_clear_error() }
        return fits
    }

    func names(_ host: String) -> Bool {
        X509_check_host(pointer, host, host.utf8.count, 0, nil) == 1
    }

    func pem() throws -> [UInt8] { try pemBytes { PEM_write_bio_X509($0, pointer) } }

    /// Makes and signs; `issuer` nil: signed by itself.
    private static func draft(
        commonName: String, days: Int, key: OpaquePointer, issuer: OpaquePointer?,
        extensions: [(Int32, String)], signingKey: OpaquePointer
    ) throws -> OpaquePointer {
        guard let draft = X509_new() else { throw SinkError("libcrypto: no memory") }
        let issuer = issuer ?? draft
        let subject = X509_get_subject_name(draft)
        // An hour back: clocks differ.
        var filled =
            X509_set_version(draft, 2) == 1
            && ASN1_INTEGER_set_uint64(
                X509_get_serialNumber(draft), .random(in: 1...UInt64(Int64.max))) == 1
            && X509_gmtime_adj(X509_getm_notBefore(draft), -3_600) != nil
            && X509_gmtime_adj(X509_getm_notAfter(draft), days * 86_400) != nil
            && X509_NAME_add_entry_by_txt(
                subject, "CN", MBSTRING_UTF8, commonName, -1, -1, 0) == 1
            && X509_set_issuer_name(draft, X509_get_subject_name(issuer)) == 1
            && X509_set_pubkey(draft, key) == 1
        for (identifier, value) in extensions {
            let made = trunkline_sink_extension(issuer, draft, identifier, value)
            filled = filled && made != nil && X509_add_ext(draft, made, -1) == 1
            X509_EXTENSION_free(made)
        }
        guard filled, X509_sign(draft, signingKey, EVP_sha256()) > 0 else {
            X509_free(draft)
            throw SinkError("libcrypto made no certificate for \(commonName)")
        }
        return draft
    }
}

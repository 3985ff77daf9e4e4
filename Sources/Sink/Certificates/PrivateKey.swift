import CSinkCrypto

/// An EC P-256 private key of libcrypto.
struct PrivateKey: ~Copyable {
    let pointer: OpaquePointer

    init() throws {
        guard let pointer = trunkline_sink_new_p256_key() else {
            throw SinkError("libcrypto made no P-256 key")
        }
        self.pointer = pointer
    }

    init?(file path: String) {
        guard let source = BIO_new_file(path, "r") else {
            ERR_clear_error()
            return nil
        }
        defer { BIO_free(source) }
        guard let pointer = PEM_read_bio_PrivateKey(source, nil, nil, nil) else {
            ERR_clear_error()
            return nil
        }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// PKCS#8, not encrypted.
    func pem() throws -> [UInt8] {
        try pemBytes { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }
}

/// What a PEM writer of libcrypto writes.
func pemBytes(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let sink = BIO_new(BIO_s_mem()) else { throw SinkError("libcrypto: no memory") }
    defer { BIO_free(sink) }
    guard write(sink) == 1 else { throw SinkError("libcrypto wrote no PEM") }
    return [UInt8](unsafeUninitializedCapacity: BIO_ctrl_pending(sink)) { bytes, count in
        count = max(0, Int(BIO_read(sink, bytes.baseAddress, Int32(bytes.count))))
    }
}

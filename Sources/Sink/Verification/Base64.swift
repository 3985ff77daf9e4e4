import CSinkCrypto

/// Standard base64 with padding, by libcrypto.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        let length = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: length + 1) { text in
            Int(EVP_EncodeBlock(text.baseAddress, bytes, Int32(bytes.count)))
        }
    }

    /// Nil unless the text is exactly what `encode` would make: EVP_DecodeBlock skips blanks at
    /// both ends and takes padding for zero bytes, which receivers do not.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let source = Array(text.utf8)
        guard source.count % 4 == 0, source.count < 65_536 else { return nil }
        let padding = source.suffix(2).count { $0 == UInt8(ascii: "=") }
        let bytes = [UInt8](unsafeUninitializedCapacity: source.count / 4 * 3) { bytes, count in
            let decoded = EVP_DecodeBlock(bytes.baseAddress, source, Int32(source.count))
            count = max(0, Int(decoded) - padding)
        }
        return encode(bytes) == text ? bytes : nil
    }
}

/// One of the 16,384 parts into which a Redis Cluster deals its keys (cluster specification, "Key
/// distribution model").
struct Slot: Hashable {
    static let count = 16_384

    let number: Int

    init?(number: Int) {
        guard (0..<Self.count).contains(number) else { return nil }
        self.number = number
    }

    /// Of a key: only what stands between its first `{` and the next `}` counts, if that is not
    /// nothing.
    init(key: some BidirectionalCollection<UInt8>) {
        var hashed = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let tail = key[key.index(after: open)...]
            if let close = tail.firstIndex(of: UInt8(ascii: "}")), close != tail.startIndex {
                hashed = tail[..<close]
            }
        }
        number = Int(crc16(hashed)) % Self.count
    }
}

/// CRC-16/XMODEM. A table would cost more to load than a hash tag of a few bytes takes.
private func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var crc: UInt16 = 0
    for byte in bytes {
        crc ^= UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
    return crc
}

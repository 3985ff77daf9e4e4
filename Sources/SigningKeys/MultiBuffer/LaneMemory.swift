internal import CCrypto

/// The tables of eight pointers that crypto_mb reads, and the memory that they point to. Made once:
/// a call allocates nothing but the signatures that it returns.
final class LaneMemory {
    typealias Table<Element> = UnsafeMutablePointer<Element?>
    typealias Bytes = UnsafeMutablePointer<UInt8>

    private static let lanes = MultiBufferLibrary.lanes
    private static let size = MultiBufferLibrary.largestSignature

    /// The padded digests.
    let messages = table(of: UnsafePointer<UInt8>.self)
    let signatures = table(of: Bytes.self)
    let signaturesToCheck = table(of: UnsafePointer<UInt8>.self)
    /// What the public operation makes of the signatures: the padded digests again.
    let recovered = table(of: Bytes.self)
    let p = table(of: OpaquePointer.self)
    let q = table(of: OpaquePointer.self)
    let exponentP = table(of: OpaquePointer.self)
    let exponentQ = table(of: OpaquePointer.self)
    let inverseQ = table(of: OpaquePointer.self)
    let publicExponent = table(of: OpaquePointer.self)
    let modulus = table(of: OpaquePointer.self)
    private let memory = Bytes.allocate(capacity: 3 * lanes * size)

    deinit {
        messages.deallocate()
        signatures.deallocate()
        signaturesToCheck.deallocate()
        recovered.deallocate()
        for numbers in [p, q, exponentP, exponentQ, inverseQ, publicExponent, modulus] {
            numbers.deallocate()
        }
        memory.deallocate()
    }

    /// Fills as many lanes as there are tasks; the others are left out.
    func load(_ tasks: [MultiBufferSigner.Task]) {
        for lane in 0..<Self.lanes {
            let task = lane < tasks.count ? tasks[lane] : nil
            let bytes = task.map { _ in memory + 3 * lane * Self.size }
            messages[lane] = bytes.map { UnsafePointer($0) }
            signatures[lane] = bytes.map { $0 + Self.size }
            signaturesToCheck[lane] = bytes.map { UnsafePointer($0 + Self.size) }
            recovered[lane] = bytes.map { $0 + 2 * Self.size }
            p[lane] = task?.numbers.p
            q[lane] = task?.numbers.q
            exponentP[lane] = task?.numbers.exponentP
            exponentQ[lane] = task?.numbers.exponentQ
            inverseQ[lane] = task?.numbers.inverseQ
            publicExponent[lane] = task?.numbers.publicExponent
            modulus[lane] = task?.numbers.modulus
            if let task, let bytes {
                Self.encode(task.message, byteCount: task.numbers.bits / 8, into: bytes)
            }
        }
    }

    /// nil unless the public key makes of it what was signed.
    func signature(_ lane: Int, byteCount: Int) -> [UInt8]? {
        guard let message = messages[lane], let recovered = recovered[lane],
            let signature = signatures[lane],
            CRYPTO_memcmp(message, recovered, byteCount) == 0
        else { return nil }
        return [UInt8](UnsafeBufferPointer(start: signature, count: byteCount))
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): `00 01 FF ... FF 00`, the name of SHA-256, digest.
    private static func encode(_ message: [UInt8], byteCount: Int, into bytes: Bytes) {
        let tail = digestInfo + SHA256.hash(message)
        bytes.update(repeating: 0xFF, count: byteCount)
        bytes[0] = 0
        bytes[1] = 1
        bytes[byteCount - tail.count - 1] = 0
        (bytes + byteCount - tail.count).update(from: tail, count: tail.count)
    }

    /// The DER of `DigestInfo` up to the digest (RFC 8017 section 9.2, note 1).
    private static let digestInfo: [UInt8] = [
        0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ]

    private static func table<Element>(of type: Element.Type) -> Table<Element> {
        let table = Table<Element>.allocate(capacity: lanes)
        table.initialize(repeating: nil, count: lanes)
        return table
    }
}

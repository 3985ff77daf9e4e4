/// The name of a public key: an https URL that every receiver can carry through its parser.
///
/// Receivers cut the `Signature` field at `,` and `=` without looking at quotes (Funkwhale,
/// GoToSocial, ...), Iceshrimp.NET mangles `=`, Owncast and Mbin demand https (`facts/receivers.md`
/// 1.1). What is not a `KeyID` never gets into a field, so a hostile name can't inject one either.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    /// The longest name that is taken, in bytes.
    package static let byteLimit = 2_048

    package enum Flaw: Error, Hashable, Sendable {
        case notHTTPS
        case tooLong
        /// The byte that some receiver's parser would stumble over.
        case forbiddenByte(UInt8)

        /// What is wrong and what to do, for an operator or a producer.
        package var advice: String {
            switch self {
            case .notHTTPS:
                "is not an https URL; use the publicKey.id of the actor document"
            case .tooLong:
                "is longer than \(KeyID.byteLimit) bytes; use a shorter publicKey.id"
            case .forbiddenByte(let byte):
                "contains \(Self.name(of: byte)), which receivers' signature parsers break on; "
                    + "use a keyId without , \" = blanks and non-ASCII characters"
            }
        }

        private static func name(of byte: UInt8) -> String {
            switch byte {
            case UInt8(ascii: " "): "a blank"
            case 0x21...0x7E: "'\(Character(Unicode.Scalar(byte)))'"
            default: "the byte 0x\(String(byte, radix: 16, uppercase: true))"
            }
        }
    }

    package let text: String

    package init(_ text: String) throws(Flaw) {
        let prefix = "https://".utf8
        guard text.utf8.count <= Self.byteLimit else { throw .tooLong }
        guard text.utf8.starts(with: prefix), text.utf8.count > prefix.count else {
            throw .notHTTPS
        }
        for byte in text.utf8 where !Self.isSafe(byte) { throw .forbiddenByte(byte) }
        self.text = text
    }

    package var description: String { text }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"),
            UInt8(ascii: ";"):
            false
        default: (0x21...0x7E).contains(byte)
        }
    }
}

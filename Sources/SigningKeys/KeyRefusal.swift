/// Why bytes are not a key that can sign, and what to do about it.
package enum KeyRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case notPEM
    case tooLarge(bytes: Int)
    case encrypted
    case publicKey
    case openSSHFormat
    /// Another PEM block, e.g. `CERTIFICATE`.
    case notAKey(label: String)
    /// A key, and of a kind that nobody verifies, e.g. `EC`.
    case wrongKind(String)
    case wrongSize(bits: Int)
    case malformed(CryptoFailure)
    /// It parses, and what it signs does not verify: its parts do not belong together.
    case inconsistent

    package var description: String {
        switch self {
        case .notPEM:
            "no PEM block was found; expected -----BEGIN PRIVATE KEY----- or "
                + "-----BEGIN RSA PRIVATE KEY-----"
        case .tooLarge(let bytes):
            "\(bytes) bytes are too many for a key (limit \(PrivateKey.pemByteLimit)); "
                + "give the PEM of one private key"
        case .encrypted:
            "the key is encrypted and a worker has nobody to ask for the pass phrase; "
                + "decrypt it with: openssl pkey -in KEY -out PLAIN"
        case .publicKey:
            "this is a public key, which cannot sign; give the private key it belongs to"
        case .openSSHFormat:
            "the key is in OpenSSH's own format; convert it with: "
                + "ssh-keygen -p -m PKCS8 -f KEY"
        case .notAKey(let label):
            "the PEM block is a \(label), not a private key; give the private key"
        case .wrongKind(let kind):
            "\(kind) keys are not verified by fediverse servers; use RSA-2048, or Ed25519 "
                + "where receivers are known to take it"
        case .wrongSize(let bits):
            "an RSA key of \(bits) bits is not between \(PrivateKey.rsaBits.lowerBound) and "
                + "\(PrivateKey.rsaBits.upperBound); make one with: "
                + "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
        case .malformed(let failure):
            "the key cannot be read, it is cut short or damaged (\(failure)); copy it again"
        case .inconsistent:
            "signatures of this key do not verify, so it is damaged or put together from "
                + "two keys; copy it again from its source"
        }
    }
}

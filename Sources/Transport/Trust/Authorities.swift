/// The certificate authorities of a file, looked at before there is a transport.

package enum Authorities {
    /// Where Debian keeps the system's.
    package static let systemFile = "/etc/ssl/certs/ca-certificates.crt"

    /// How many the file holds; throws what a transport would throw that is given this file.
    package static func count(in file: String) throws(UnusableAuthorities) -> Int {
        try CertificateStore(file: file).count
    }
}

/// A file of certificate authorities that cannot be used, in a sentence for the operator.
package struct UnusableAuthorities: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
}

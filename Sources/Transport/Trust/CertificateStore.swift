/// The authorities of one PEM file, parsed.

internal import CCurl

/// Owns one `X509_STORE`. A connection that was made with it holds a reference of its own.
final class CertificateStore {
    let pointer: OpaquePointer

    /// Takes every certificate of the file, or none: 26 ms of CPU for a system's bundle.
    init(file: String) throws(UnusableAuthorities) {
        guard let store = X509_STORE_new() else { preconditionFailure("X509_STORE_new failed") }
        // libcurl leaves errors of connections on the thread's queue, which are not ours.
        ERR_clear_error()
        guard X509_STORE_load_file(store, file) == 1 else {
            X509_STORE_free(store)
            throw UnusableAuthorities(
                description: "\(file) cannot be read as PEM certificates of authorities: "
                    + Self.firstError())
        }
        // As libcurl does with a file that it reads itself: an intermediate certificate in it is
        // trusted as it stands.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        pointer = store
    }

    deinit { X509_STORE_free(pointer) }

    var count: Int { Int(OPENSSL_sk_num(X509_STORE_get0_objects(pointer))) }

    /// The cause; what follows it only says who was asking.
    private static func firstError() -> String {
        // Nor would what is left be libcurl's.
        defer { ERR_clear_error() }
        let code = ERR_get_error()
        // Errors of the system (no such file) have no text of OpenSSL's.
        guard
            let reason = ERR_reason_error_string(code)
                ?? UnsafePointer(strerror(ERR_GET_REASON(code)))
        else { return "error \(code)" }
        return String(cString: reason)
    }
}

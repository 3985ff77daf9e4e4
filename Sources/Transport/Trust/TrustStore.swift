/// Whom we trust: the authorities of one file, parsed once for all connections of a worker.
///
/// Left to itself libcurl reads the file for every multi handle, once a day: 64 times 26 ms and
/// 0.9 MB in every worker, and 20 times as dear if it is given a directory (facts/costs.md,
/// section 2.4).

internal import CCurl
internal import DeliveryCore
internal import Glibc

/// C points at it, so it never moves; it outlives every transfer.
final class TrustStore {
    /// Whatever the file looks like: some file systems do not tell that it changed.
    static let lifetime: Duration = .seconds(86_400)

    private(set) var certificates: CertificateStore
    private let file: String
    private let checkInterval: Duration
    private let onFlaw: (String) -> Void
    private var version: FileVersion?
    private var loaded: Instant
    private var checkDue: Instant
    /// What is wrong with the file now, so that it is said once.
    private var flaw: UnusableAuthorities?

    init(
        file: String, checkInterval: Duration, now: Instant, onFlaw: @escaping (String) -> Void
    ) throws(UnusableAuthorities) {
        self.file = file
        self.checkInterval = checkInterval
        self.onFlaw = onFlaw
        // Before it is read: a change meanwhile is then seen at the next look.
        version = FileVersion(of: file)
        certificates = try CertificateStore(file: file)
        loaded = now
        checkDue = now + checkInterval
    }

    /// Reads the file again if it has changed or was read long ago; to be called before a
    /// connection may be opened.
    ///
    /// Authorities are added and withdrawn under a worker that runs for months. While the file
    /// cannot be used, those that were read before stay in use. Connections that stand are kept:
    /// none lives longer than `TransportConfiguration.connectionLifetime`.
    ///
    /// - Returns: whether there are others now.
    func refresh(now: Instant) -> Bool {
        guard now >= checkDue else { return false }
        checkDue = now + checkInterval
        let found = FileVersion(of: file)
        guard found != version || now >= loaded + Self.lifetime else { return false }
        do throws(UnusableAuthorities) {
            certificates = try CertificateStore(file: file)
            version = found
            loaded = now
            flaw = nil
            return true
        } catch {
            if flaw != error { onFlaw("\(error); what was read before stays in use") }
            flaw = error
            return false
        }
    }
}

/// What `stat(2)` tells two versions of a file apart by, behind any symbolic links.
private struct FileVersion: Equatable {
    private let device: dev_t
    private let inode: ino_t
    private let size: off_t
    private let modified: Duration

    init?(of file: String) {
        var status = stat()
        guard stat(file, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        size = status.st_size
        modified = .seconds(status.st_mtim.tv_sec) + .nanoseconds(status.st_mtim.tv_nsec)
    }
}

/// Hands the store to a connection that is about to be opened; the context of OpenSSL takes a
/// reference.
///
/// And makes this the connection's only handshake: a server of TLS 1.2 could ask for another one
/// again and again, with a few bytes for a millisecond of our CPU.
let giveAuthorities: curl_ssl_ctx_callback = { _, context, client in
    guard let context, let client else { return CURLE_ABORTED_BY_CALLBACK }
    let trust = Unmanaged<TrustStore>.fromOpaque(client).takeUnretainedValue()
    SSL_CTX_set1_cert_store(OpaquePointer(context), trust.certificates.pointer)
    SSL_CTX_set_options(OpaquePointer(context), trunkline_ssl_no_renegotiation)
    return CURLE_OK
}

/// The same for a connection of HTTP/2, which resumes a session and brings none.
///
/// libcurl 7.88 frees it without a word to its peer (`cf_h2_close` in lib/http2.c passes nothing on),
/// after which OpenSSL takes its session for one that must not be resumed, whoever has it by then.
let giveAuthoritiesForStreams: curl_ssl_ctx_callback = { easy, context, client in
    SSL_CTX_sess_set_new_cb(context.map { OpaquePointer($0) }, nil)
    return giveAuthorities(easy, context, client)
}

/// TLS sessions by host, resumed when a host is connected to again: that costs half of a handshake
/// with certificates (facts/costs.md, section 2.4).
///
/// libcurl keeps eight sessions in a cache, so one cache for all hosts would never have the one that
/// is wanted: each host has a cache of its own. Of hosts, those used last are kept.
///
/// A session stands for a certificate that was verified: it must not outlive the authorities that
/// vouched for it.

internal import CCurl
internal import DeliveryCore

final class TLSSessions {
    /// One host's cache; libcurl's name for it is a share, whatever else it could share.
    final class Cache {
        let pointer: UnsafeMutableRawPointer

        fileprivate init() {
            guard let share = curl_share_init() else {
                preconditionFailure("curl_share_init failed")
            }
            pointer = share
            let status = trunkline_curl_share_sessions(share)
            precondition(status == CURLSHE_OK, String(cString: curl_share_strerror(status)))
        }

        /// Every transfer that uses it holds it.
        deinit { curl_share_cleanup(pointer) }
    }

    private let limit: Int
    /// Until then nobody is given a cache.
    private var restsUntil = Instant(nanoseconds: .min)
    private var recent: [String: Cache] = [:]
    /// Not used since `recent` was last full; found here, a cache goes back there.
    private var older: [String: Cache] = [:]

    /// - Parameter limit: of hosts; up to twice as many are kept.
    init(limit: Int) { self.limit = limit }

    /// nil while sessions are neither kept nor resumed.
    func cache(of authority: String, now: Instant) -> Cache? {
        guard now >= restsUntil else { return nil }
        if let cache = recent[authority] { return cache }
        let cache = older.removeValue(forKey: authority) ?? Cache()
        if recent.count >= limit {
            older = recent
            recent.removeAll(keepingCapacity: true)
        }
        recent[authority] = cache
        return cache
    }

    /// After a connection that failed: a server that cannot resume would fail for ever.
    func forget(_ authority: String) {
        recent[authority] = nil
        older[authority] = nil
    }

    /// After the authorities have changed; until connections that those before had vouched for are
    /// gone, too: a server could send a new session over them.
    func forgetAll(restingUntil end: Instant) {
        restsUntil = end
        recent.removeAll()
        older.removeAll()
    }
}

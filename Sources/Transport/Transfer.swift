/// One libcurl easy handle, and what its callbacks record about the transfer it makes.

internal import CCurl
internal import DeliveryCore
internal import Glibc

/// Pooled: the options that never change are set once. C points at it, so it never moves; it must
/// outlive the handle's stay in a multi handle.
final class Transfer {
    /// What is longer is no date and no number of seconds.
    static let fieldLimit = 64
    /// Answers are small; libcurl's default of 16 kB would be held by every transfer in flight.
    static let receiveBufferBytes = 4_096
    /// Over TLS libcurl copies the head of every request, body included, into a buffer of this size
    /// and holds it until the answer is complete (`Curl_buffer_send` in lib/http.c): its default of
    /// 64 kB was the most of what a transfer in flight took. Less than this it does not accept; a
    /// TLS record holds no more either, so a longer body costs nothing.
    static let sendBufferBytes = 16_384

    /// Of a stream. libcurl 7.88 repeats a request on each connection that turns out to be dead, up
    /// to five times. Over HTTP/1.1 that ends with the first new one; one of HTTP/2 does not count
    /// as new while others share it, so a receiver that dies of what it gets would get it six times.
    static let tryLimit = 3

    static let stepsBetweenWeighings = 8
    /// The largest window of a host.
    static let streamsPerWeighing = 16

    let easy: UnsafeMutableRawPointer
    let addressGuard: AddressGuard
    let trust: TrustStore
    /// The shard's, while the transfer is in it.
    var position = 0
    var record = Record()
    let sockets: SocketTable
    let headerByteLimit: Int
    let bodyByteLimit: Int
    let wireByteLimit: Int
    let errorText: UnsafeMutablePointer<CChar>
    /// The connection is closed when its last transfer has ended.
    var forbidsReuse = false {
        didSet { set(CURLOPT_FORBID_REUSE, forbidsReuse ? 1 : 0) }
    }
    /// What CURLOPT_HTTP_VERSION says.
    private var offersHTTP2 = false
    private var sessions: TLSSessions.Cache?
    private var headers = HeaderList()
    private var resolutions: UnsafeMutablePointer<curl_slist>?

    /// What belongs to the transfer of the moment.
    struct Record {
        var pending: PendingTransfer?
        var destination: Destination?
        var way = HostConnections.Way.own
        /// Of its host's name; only kept for a stream, which may have to go another way.
        var addresses: [String]?
        /// When it was handed to libcurl.
        var begun: Instant?
        var headerBytes = 0
        var bodyBytes = 0
        var excerpt: [UInt8] = []
        /// A header line may say when to come again, or how often.
        var mayHoldLimits = false
        /// The blank line after the header lines of the final answer has come.
        var isHeadComplete = false
        var overran: Limit?
        /// The socket that libcurl watches for it.
        var descriptor: curl_socket_t?
        /// Calls of the progress callback.
        var steps = 0
        /// What the connection had received before this transfer, so far as it is known.
        var receivedBefore: Int64?
        var openedSockets = 0
        var refusedAddresses = 0
        /// The errno of socket(2) when there was no socket to be had.
        var socketError: Int32 = 0
        /// TCP and TLS stand and the request may be written.
        var isReady = false
        /// libcurl has begun the request once more, on another connection.
        var isRepeated = false
        /// How often the request could be written.
        var tries = 0
        /// HTTP/2 was agreed on.
        var isHTTP2 = false

        var isStream: Bool { way != .own }
    }

    enum Limit { case headers, body, wire }

    init(
        configuration: TransportConfiguration, addressGuard: AddressGuard, trust: TrustStore,
        sockets: SocketTable
    ) {
        guard let easy = curl_easy_init() else { preconditionFailure("curl_easy_init failed") }
        self.easy = easy
        self.addressGuard = addressGuard
        self.trust = trust
        self.sockets = sockets
        headerByteLimit = configuration.headerByteLimit
        bodyByteLimit = configuration.bodyByteLimit
        wireByteLimit = configuration.wireByteLimit
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setProtocol(configuration)
        setSecurity()
        setCallbacks()
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(resolutions)
        errorText.deallocate()
    }

    /// Makes the handle ready to be added to a multi handle. `resolutions` are lines of
    /// CURLOPT_RESOLVE.
    func prepare(
        _ pending: PendingTransfer, to destination: Destination, _ way: HostConnections.Way,
        resolutions lines: [String], sessions: TLSSessions.Cache?
    ) {
        let request = pending.request
        record = Record()
        record.pending = pending
        record.destination = destination
        record.way = way
        if record.isStream != offersHTTP2 { offer(http2: record.isStream) }
        errorText.pointee = 0

        curl_slist_free_all(resolutions)
        resolutions = lines.reduce(nil) { curl_slist_append($0, $1) }

        // A cache of its own would belong to this handle, which serves other hosts next.
        share(sessions)
        set(CURLOPT_URL, request.url)
        set(CURLOPT_FRESH_CONNECT, request.onFreshConnection ? 1 : 0)
        set(trunkline_curl_set_list(easy, CURLOPT_HTTPHEADER, headers.set(request.headers)))
        set(trunkline_curl_set_list(easy, CURLOPT_RESOLVE, resolutions))
        set(trunkline_curl_set_pointer(easy, CURLOPT_POSTFIELDS, request.body.bytes.baseAddress))
        set(
            trunkline_curl_set_offset(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)))
    }

    /// What came of it; to be called when the handle has left the multi handle.
    func exchange(_ code: CURLcode) -> Exchange {
        let status = long(CURLINFO_RESPONSE_CODE)
        if code == CURLE_OK, !record.mayHoldLimits, status >= 200 {
            return .answered(Answer(status: status, excerpt: record.excerpt))
        }
        return TransferEnding(
            code: code, status: status,
            retryAfter: record.mayHoldLimits ? field("Retry-After") : nil,
            rateLimit: record.mayHoldLimits ? rateLimit : nil,
            osError: Int32(long(CURLINFO_OS_ERRNO)),
            text: code == CURLE_OK ? "" : String(cString: errorText),
            record: record
        ).exchange
    }

    /// The transfer whose handle this is.
    static func owner(of easy: UnsafeMutableRawPointer) -> Transfer {
        var owner: UnsafeMutableRawPointer?
        trunkline_curl_get_pointer(easy, CURLINFO_PRIVATE, &owner)
        guard let owner else { preconditionFailure("an easy handle without its transfer") }
        return Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue()
    }

    var connectCount: Int { long(CURLINFO_NUM_CONNECTS) }

    var remoteAddress: String? {
        var text: UnsafePointer<CChar>?
        trunkline_curl_get_text(easy, CURLINFO_PRIMARY_IP, &text)
        return text.map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Lets go of the request's memory; the handle keeps no pointer to it that it would use again.
    func release() {
        if forbidsReuse { forbidsReuse = false }
        record = Record()
        share(nil)
    }

    private func offer(http2: Bool) {
        offersHTTP2 = http2
        set(
            CURLOPT_HTTP_VERSION,
            Int(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
        set(
            trunkline_curl_set_tls_callback(
                easy, http2 ? giveAuthoritiesForStreams : giveAuthorities))
    }

    private func share(_ sessions: TLSSessions.Cache?) {
        set(CURLOPT_SSL_SESSIONID_CACHE, sessions == nil ? 0 : 1)
        set(trunkline_curl_set_pointer(easy, CURLOPT_SHARE, sessions?.pointer))
        self.sessions = sessions
    }

    private var rateLimit: RateLimitFields? {
        for prefix in ["X-RateLimit-", "RateLimit-"] {
            if let remaining = field(prefix + "Remaining"), let reset = field(prefix + "Reset") {
                return RateLimitFields(remaining: remaining, reset: reset)
            }
        }
        return nil
    }

    private func field(_ name: String) -> String? {
        var header: UnsafeMutablePointer<curl_header>?
        let status = curl_easy_header(easy, name, 0, UInt32(CURLH_HEADER), -1, &header)
        guard status == CURLHE_OK, let value = header?.pointee.value,
            strlen(value) <= Self.fieldLimit
        else { return nil }
        return String(cString: value)
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        trunkline_curl_get_long(easy, info, &value)
        return value
    }
}

/// The options of an easy handle that never change: how we speak, and what we trust.

internal import CCurl
internal import DeliveryCore

extension Transfer {
    func setProtocol(_ configuration: TransportConfiguration) {
        set(trunkline_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_USERAGENT, configuration.userAgent)
        set(CURLOPT_PATH_AS_IS, 1)
        // A signed POST is for the inbox it was signed for.
        set(CURLOPT_FOLLOWLOCATION, 0)
        // Not from the environment either.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_BUFFERSIZE, Self.receiveBufferBytes)
        set(CURLOPT_UPLOAD_BUFFERSIZE, Self.sendBufferBytes)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(configuration.connectTimeout.wholeMilliseconds))
        set(CURLOPT_TIMEOUT_MS, Int(configuration.totalTimeout.wholeMilliseconds))
        set(CURLOPT_MAXAGE_CONN, Int(configuration.idleLifetime.components.seconds))
        set(CURLOPT_MAXLIFETIME_CONN, Int(configuration.connectionLifetime.components.seconds))
        // The shard replaces entries when they change. Anything but -1 makes libcurl walk its whole
        // name cache at every transfer (facts/costs.md, section 2.3).
        set(CURLOPT_DNS_CACHE_TIMEOUT, -1)
    }

    func setSecurity() {
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        // Nothing that libcurl would read by itself, nor a cache that would keep a store of ours in
        // use after it has been replaced.
        set(trunkline_curl_set_text(easy, CURLOPT_CAINFO, nil))
        set(trunkline_curl_set_text(easy, CURLOPT_CAPATH, nil))
        set(CURLOPT_CA_CACHE_TIMEOUT, 0)
        set(trunkline_curl_set_tls_callback(easy, giveAuthorities))
        let store = Unmanaged.passUnretained(trust).toOpaque()
        set(trunkline_curl_set_pointer(easy, CURLOPT_SSL_CTX_DATA, store))
    }

    func set(_ option: CURLoption, _ value: Int) {
        set(trunkline_curl_set_long(easy, option, value))
    }

    func set(_ option: CURLoption, _ value: String) {
        set(trunkline_curl_set_text(easy, option, value))
    }

    /// A refused option is a bug or the end of memory; neither can be worked around.
    func set(_ code: CURLcode) {
        precondition(
            code == CURLE_OK, "libcurl option: \(String(cString: curl_easy_strerror(code)))")
    }
}

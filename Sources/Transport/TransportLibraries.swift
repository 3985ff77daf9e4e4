internal import CCurl

/// What a delivery goes through that is not ours.
package enum TransportLibraries {
    /// Such as `libcurl/7.88.1 OpenSSL/3.0.22 zlib/1.2.13`.
    package static var versions: String { String(cString: curl_version()) }
}

/// What has to be set up once per process before libcurl is used.

internal import CCurl

enum CurlLibrary {
    /// Runs on first use, once (`static let`).
    ///
    /// The character encoding of the process becomes UTF-8, because libidn2 reads host names in
    /// it: without this `CURLU_PUNYCODE` refuses every name that is not ASCII. Only LC_CTYPE is
    /// set: numbers and messages stay as they are.
    static let ready: Bool = {
        precondition(trunkline_curl_global_init() == CURLE_OK, "curl_global_init failed")
        return setlocale(LC_CTYPE, "C.UTF-8") != nil
    }()
}

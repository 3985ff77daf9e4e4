internal import CCurl
internal import Glibc

/// One easy handle and the header lines of the request it makes.
final class Slot {
    let easy: UnsafeMutableRawPointer
    /// `Date: ...`, NUL, `Signature: ...`, NUL.
    private let text: UnsafeMutablePointer<CChar>
    private let signature: UnsafeMutablePointer<CChar>
    private let signatureStart: Int
    private let base64Count: Int
    /// libcurl only reads the list, so its nodes stay the same.
    private let nodes: UnsafeMutablePointer<curl_slist>
    private var signed: [UInt8] = []

    private static let dateStart = "Date: "
    private static let dateCount = 29

    init(poster: Poster, keyID: String, userAgent: String, authorities: String) {
        guard let easy = curl_easy_init() else { stop("curl_easy_init failed") }
        self.easy = easy
        base64Count = poster.signer.base64Count
        let before =
            "Signature: keyId=\"\(keyID)\",algorithm=\"rsa-sha256\","
            + "headers=\"(request-target) host date digest\",signature=\""
        let dateLine = Self.dateStart.utf8.count + Self.dateCount
        text = .allocate(capacity: dateLine + 1 + before.utf8.count + base64Count + 2)
        strcpy(text, Self.dateStart)
        text[dateLine] = 0
        signature = text + dateLine + 1
        strcpy(signature, before)
        signatureStart = before.utf8.count
        nodes = .allocate(capacity: 5)
        for index in 0..<5 {
            nodes[index] = curl_slist(data: nil, next: index < 4 ? nodes + index + 1 : nil)
        }
        nodes[0].data = text
        nodes[1].data = strdup("Content-Type: application/activity+json")
        nodes[3].data = signature
        // Keeps libcurl from sending its own.
        nodes[4].data = strdup("Accept:")
        setOptions(poster: poster, userAgent: userAgent, authorities: authorities)
    }

    /// What Trunkline sets and the bytes or the cost depend on; none of its limits and looks.
    private func setOptions(poster: Poster, userAgent: String, authorities: String) {
        let this = Unmanaged.passUnretained(self).toOpaque()
        trunkline_curl_set_pointer(easy, CURLOPT_PRIVATE, this)
        trunkline_curl_set_list(easy, CURLOPT_HTTPHEADER, nodes)
        trunkline_curl_set_text(easy, CURLOPT_USERAGENT, userAgent)
        trunkline_curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        trunkline_curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        trunkline_curl_set_text(easy, CURLOPT_PROXY, "")
        trunkline_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        trunkline_curl_set_long(easy, CURLOPT_IPRESOLVE, Int(CURL_IPRESOLVE_V4))
        // Or libcurl walks its cache of names at every transfer.
        trunkline_curl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1)
        trunkline_curl_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16_384)
        trunkline_curl_set_long(easy, CURLOPT_BUFFERSIZE, 4_096)
        trunkline_curl_set_text(easy, CURLOPT_CAINFO, authorities)
        // Debian's default directory would have every new connection read the file again.
        trunkline_curl_set_text(easy, CURLOPT_CAPATH, nil)
        trunkline_curl_set_data_callback(easy, CURLOPT_WRITEFUNCTION) { _, size, count, _ in
            size * count
        }
        let client = Unmanaged.passUnretained(poster).toOpaque()
        trunkline_curl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, client)
        trunkline_curl_set_close_callback(easy) { client, descriptor in
            guard let client else { return -1 }
            Unmanaged<Poster>.fromOpaque(client).takeUnretainedValue().sockets.forget(descriptor)
            return close(descriptor)
        }
    }

    /// Signs, and makes the handle ready to be added.
    func prepare(
        _ inbox: Inbox, _ body: Body, digestLine: UnsafeMutablePointer<CChar>, date: [UInt8],
        signer: Signer
    ) {
        for (index, byte) in date.enumerated() {
            text[Self.dateStart.utf8.count + index] = CChar(bitPattern: byte)
        }
        signed.removeAll(keepingCapacity: true)
        signed += inbox.signedStart
        signed += date
        signed += "\ndigest: ".utf8
        signed += body.digest.utf8
        signer.sign(signed, into: signature + signatureStart)
        signature[signatureStart + base64Count] = CChar(UInt8(ascii: "\""))
        signature[signatureStart + base64Count + 1] = 0
        nodes[2].data = digestLine
        trunkline_curl_set_text(easy, CURLOPT_URL, inbox.url)
        trunkline_curl_set_pointer(easy, CURLOPT_POSTFIELDS, body.bytes)
        trunkline_curl_set_long(easy, CURLOPT_POSTFIELDSIZE, body.count)
    }
}

/// What libcurl calls back during a transfer. It records; only addresses are judged on the spot.

internal import CCurl
internal import DeliveryCore
internal import Glibc

extension Transfer {
    func setCallbacks() {
        let this = Unmanaged.passUnretained(self).toOpaque()
        set(trunkline_curl_set_pointer(easy, CURLOPT_PRIVATE, this))
        set(trunkline_curl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, recordHeader))
        set(trunkline_curl_set_pointer(easy, CURLOPT_HEADERDATA, this))
        set(trunkline_curl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, recordBody))
        set(trunkline_curl_set_pointer(easy, CURLOPT_WRITEDATA, this))
        set(trunkline_curl_set_open_callback(easy, openSocket))
        set(trunkline_curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, this))
        set(trunkline_curl_set_prerequest_callback(easy, recordReady))
        set(trunkline_curl_set_pointer(easy, CURLOPT_PREREQDATA, this))
        set(trunkline_curl_set_progress_callback(easy, weighConnection))
        set(trunkline_curl_set_pointer(easy, CURLOPT_XFERINFODATA, this))
        set(CURLOPT_NOPROGRESS, 0)
        // Connections outlive the transfer that opened them, so the table is their client.
        let table = Unmanaged.passUnretained(sockets).toOpaque()
        set(trunkline_curl_set_close_callback(easy, closeSocket))
        set(trunkline_curl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, table))
    }

    /// Judges the address here and now, unlike every other callback: after this libcurl connects.
    fileprivate func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard let network = NetworkAddress(trunkline_curl_address(address)),
            addressGuard.permits(network)
        else {
            record.refusedAddresses += 1
            return trunkline_curl_socket_bad()
        }
        guard let destination = record.destination else { return trunkline_curl_socket_bad() }
        let descriptor = sockets.open(
            family: address.pointee.family, type: address.pointee.socktype,
            protocol: address.pointee.protocol, for: destination, isShared: record.isStream)
        if descriptor < 0 {
            record.socketError = errno
        } else {
            record.openedSockets += 1
            if record.isReady { record.isRepeated = true }
            record.isReady = false
        }
        return descriptor
    }

    /// The second look, at the address that the connection really has; also of a kept-alive one.
    fileprivate func ready(_ address: UnsafePointer<CChar>?) -> Int32 {
        guard let address, let network = NetworkAddress(presented: address),
            addressGuard.permits(network)
        else {
            record.refusedAddresses += 1
            return CURL_PREREQFUNC_ABORT
        }
        if record.isReady { record.isRepeated = true }
        record.isReady = true
        record.tries += 1
        guard !record.isStream || record.tries <= Self.tryLimit else {
            return CURL_PREREQFUNC_ABORT
        }
        if record.isStream { recordAgreement() }
        return CURL_PREREQFUNC_OK
    }

    /// Asks OpenSSL: libcurl tells the version of HTTP only with the answer.
    private func recordAgreement() {
        guard let destination = record.destination, let begun = record.begun else { return }
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        if let session { SSL_get0_alpn_selected(session, &name, &length) }
        let chosen = UnsafeBufferPointer(start: name, count: Int(length))
        record.isHTTP2 = chosen.elementsEqual("h2".utf8)
        destination.connections.agreed(onHTTP2: record.isHTTP2, now: begun)
        if record.openedSockets > 0 { destination.sharedDescriptor = record.descriptor }
    }

    /// libcurl lets it wait, for room on its host's connection of HTTP/2: it has none, and makes
    /// none. While TLS is being agreed on OpenSSL's state is not to be had either.
    var isPending: Bool { session == nil && (record.isReady || record.openedSockets == 0) }

    /// OpenSSL's state of the connection.
    private var session: OpaquePointer? {
        var information: UnsafeMutableRawPointer?
        trunkline_curl_get_pointer(easy, CURLINFO_TLS_SSL_PTR, &information)
        return information?.load(as: curl_tlssessioninfo.self).internals
            .map { OpaquePointer($0) }
    }

    fileprivate func header(_ line: UnsafePointer<CChar>, _ count: Int) -> Int {
        record.headerBytes += count
        if count > 0, Self.mayNameLimit(line[0]) { record.mayHoldLimits = true }
        // A line without anything but its end, and not that of an interim answer.
        if count <= 2, long(CURLINFO_RESPONSE_CODE) >= 200 { record.isHeadComplete = true }
        if record.headerBytes <= headerByteLimit { return count }
        record.overran = .headers
        return 0
    }

    /// Of `Retry-After`, `RateLimit-...` and `X-RateLimit-...`: looking a field up costs as much as
    /// ten lines.
    private static func mayNameLimit(_ initial: CChar) -> Bool {
        let lower = UInt8(bitPattern: initial) | 0x20
        return lower == UInt8(ascii: "r") || lower == UInt8(ascii: "x")
    }

    /// Ends a transfer for which the connection has brought too much; libcurl calls often, so only
    /// each eighth time is the kernel asked.
    fileprivate func weigh() -> Int32 {
        record.steps += 1
        guard record.steps % Self.stepsBetweenWeighings == 0,
            let descriptor = record.descriptor ?? sharedDescriptor
        else { return 0 }
        let received = trunkline_curl_bytes_received(descriptor)
        let before = record.receivedBefore ?? (record.openedSockets > 0 ? 0 : received)
        record.receivedBefore = before
        // What a stream sees is for all that share the connection: together they get no more than as
        // many connections would.
        let limit = record.isStream ? wireByteLimit * Self.streamsPerWeighing : wireByteLimit
        guard received - before > Int64(limit) else { return 0 }
        record.overran = .wire
        // Else the others' connection would stay, and bring on what it brings.
        if record.isStream { forbidsReuse = true }
        return 1
    }

    /// Where libcurl has not told the stream itself of a descriptor.
    private var sharedDescriptor: curl_socket_t? {
        record.isStream ? record.destination?.sharedDescriptor : nil
    }

    fileprivate func body(_ bytes: UnsafeRawBufferPointer) -> Int {
        record.bodyBytes += bytes.count
        let room = Answer.excerptLimit - record.excerpt.count
        if room > 0 { record.excerpt.append(contentsOf: bytes.prefix(room)) }
        if record.bodyBytes < bodyByteLimit { return bytes.count }
        record.overran = .body
        return 0
    }
}

private func transfer(_ client: UnsafeMutableRawPointer?) -> Transfer? {
    client.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private let recordHeader: curl_write_callback = { line, size, count, client in
    guard let line else { return 0 }
    return transfer(client)?.header(line, size * count) ?? 0
}

private let recordBody: curl_write_callback = { bytes, size, count, client in
    transfer(client)?.body(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
}

private let weighConnection: curl_xferinfo_callback = { client, _, _, _, _ in
    transfer(client)?.weigh() ?? 0
}

private let openSocket: curl_opensocket_callback = { client, _, address in
    guard let address, let transfer = transfer(client) else { return trunkline_curl_socket_bad() }
    return transfer.open(address)
}

private let recordReady: curl_prereq_callback = { client, address, _, _, _ in
    transfer(client)?.ready(address) ?? CURL_PREREQFUNC_ABORT
}

/// One libcurl multi handle: the transfers, connections and names of its share of the hosts, for
/// HTTP/1.1 or for streams of HTTP/2.

internal import CCurl
internal import DeliveryCore
internal import EventLoop

/// libcurl calls back from within curl_multi_socket_action, curl_multi_add_handle and
/// curl_multi_remove_handle. The callbacks only set watches and the timer; whoever finished is read
/// from the multi handle's messages when libcurl has returned.
final class Shard {
    /// Beyond it, names without a transfer are taken out of libcurl's name cache.
    private static let seedLimit = 1_024
    /// Of connections: the budget is what limits them.
    private static let anyNumber = Int(Int32.max)
    /// Of one connection: more than a host's window lets through, so that none waits for it.
    private static let streamLimit = 32

    private let multi: UnsafeMutableRawPointer
    private let sockets: SocketTable
    private let finished: (Transfer, CURLcode) -> Void
    /// Told which host's connection stands, when streams had to wait for that.
    private let settled: (Destination) -> Void
    private let isForStreams: Bool
    /// Streams that find out whether the host speaks HTTP/2.
    private var openers: [Transfer] = []
    private var timer: LoopTimer?
    private var active: [Transfer] = []
    /// How many have addresses in libcurl's name cache.
    private var seeded = 0
    /// Gave up one address while connecting (see `pushOn`).
    private var betweenAddresses: [Transfer] = []
    /// Empty; what `collect` reads into, kept for its memory.
    private var spare: [(Transfer, CURLcode)] = []
    /// Removal lines that the next transfer takes along.
    private var removals: [String] = []
    /// Each connection that comes back has libcurl close the one that is idle for longest.
    private var isTrimming = false

    /// - Parameter isForStreams: libcurl 7.88 must not have connections of both kinds to one host:
    ///   once one of them has agreed on HTTP/2, it gives a second transfer to a connection of
    ///   HTTP/1.1 that is in use (`ConnectionExists` in lib/url.c). So streams have multi handles of
    ///   their own, with one connection a host.
    init(
        loop: EventLoop, sockets: SocketTable, isForStreams: Bool = false,
        settled: @escaping (Destination) -> Void = { _ in },
        finished: @escaping (Transfer, CURLcode) -> Void
    ) {
        guard let multi = curl_multi_init() else { preconditionFailure("curl_multi_init failed") }
        self.multi = multi
        self.sockets = sockets
        self.finished = finished
        self.settled = settled
        self.isForStreams = isForStreams
        timer = loop.timer(for: .send) { [unowned self] in
            act(on: trunkline_curl_socket_bad(), [])
        }
        let this = Unmanaged.passUnretained(self).toOpaque()
        set(trunkline_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.anyNumber))
        if isForStreams {
            set(trunkline_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1))
            set(
                trunkline_curl_multi_set_long(
                    multi, CURLMOPT_MAX_CONCURRENT_STREAMS, Self.streamLimit))
        } else {
            set(trunkline_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING)))
        }
        set(trunkline_curl_multi_set_socket_callback(multi, watchShardSocket))
        set(trunkline_curl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, this))
        set(trunkline_curl_multi_set_timer_callback(multi, setShardTimer))
        set(trunkline_curl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, this))
    }

    deinit {
        for transfer in active { curl_multi_remove_handle(multi, transfer.easy) }
        // What is closed from here on must not call back into an object that is going away; the
        // sockets themselves are closed through the table.
        set(trunkline_curl_multi_set_socket_callback(multi, nil))
        set(trunkline_curl_multi_set_timer_callback(multi, nil))
        curl_multi_cleanup(multi)
        timer?.cancel()
    }

    /// Starts a transfer. `addresses` are those of the destination's name; nil for a literal one.
    func begin(
        _ transfer: Transfer, _ pending: PendingTransfer, to destination: Destination,
        _ way: HostConnections.Way, addresses: [String]?, sessions: TLSSessions.Cache?,
        now: Instant
    ) {
        let lines = removals + seed(seed(of: destination), addresses)
        removals.removeAll()
        transfer.prepare(pending, to: destination, way, resolutions: lines, sessions: sessions)
        transfer.record.begun = now
        if isForStreams { transfer.record.addresses = addresses }
        if way == .opening { openers.append(transfer) }
        if !isForStreams || destination.connections.streams == 0 {
            sockets.budget.began(destination.kind(isShared: isForStreams))
            if let descriptor = destination.sharedDescriptor, isForStreams {
                sockets.discardLastWords(descriptor)
            }
        }
        destination.connections.began(way)
        transfer.position = active.count
        active.append(transfer)
        let status = curl_multi_add_handle(multi, transfer.easy)
        precondition(status == CURLM_OK, describe(status))
    }

    /// Ends all transfers without reporting them.
    func cancelAll() -> [Transfer] {
        let cancelled = active
        for transfer in cancelled { remove(transfer) }
        return cancelled
    }

    /// Ends and reports, as timed out, what libcurl should have ended by itself.
    ///
    /// libcurl 7.88 drops a transfer's timeout when it looks at the transfer within the last
    /// millisecond before it (`add_next_timeout` in lib/multi.c rounds what is left down to
    /// nothing) and then finds that there is time left: if no byte comes after that, it never looks
    /// again. A receiver may bring that about.
    func endTransfers(olderThan age: Duration, now: Instant) {
        let overdue = active.filter { $0.record.begun.map { now - $0 > age } ?? false }
        for transfer in overdue { remove(transfer) }
        for transfer in overdue { finished(transfer, CURLE_OPERATION_TIMEDOUT) }
    }

    /// Takes streams back that have been without a connection for so long: libcurl lets them wait,
    /// because the server lets fewer share the one that stands, or refused them there.
    func takeCrowded(waitingSince limit: Duration, now: Instant) -> [Transfer] {
        guard isForStreams else { return [] }
        let crowded = active.filter { transfer in
            transfer.isPending && transfer.record.begun.map { now - $0 >= limit } ?? false
        }
        for transfer in crowded { remove(transfer) }
        return crowded
    }

    var isIdle: Bool { active.isEmpty }

    private func seed(of destination: Destination) -> NameSeed {
        isForStreams ? destination.seed.ofStreams : destination.seed
    }

    /// A line for CURLOPT_RESOLVE when libcurl does not know the addresses yet, or others: it then
    /// replaces the entry. Connections that stand are kept, they belong to the name.
    private func seed(_ name: NameSeed, _ addresses: [String]?) -> [String] {
        name.transfers += 1
        guard let addresses, name.addresses != addresses else { return [] }
        if name.addresses == nil { seeded += 1 }
        name.addresses = addresses
        return ["\(name.key):\(addresses.joined(separator: ","))"]
    }

    private func unseed(_ name: NameSeed) {
        name.transfers -= 1
        guard name.transfers == 0, seeded > Self.seedLimit, name.addresses != nil else { return }
        name.addresses = nil
        seeded -= 1
        removals.append("-\(name.key)")
    }

    func act(on descriptor: curl_socket_t, _ readiness: Readiness) {
        // A stream may end by libcurl's timer, which tells no descriptor.
        trim(
            isForStreams
                ? sockets.budget.isUsedUp(returning: ConnectionBudget.sharedBytes)
                : sockets.budget.isUsedUp(returning: descriptor))
        var running: Int32 = 0
        let status = curl_multi_socket_action(multi, descriptor, readiness.rawValue, &running)
        precondition(status == CURLM_OK, describe(status))
        if !openers.isEmpty { settle() }
        collect()
        pushOn()
    }

    /// What waits for a connection that stands now is begun before an end is reported.
    private func settle() {
        let ready = openers.filter(\.record.isReady)
        guard !ready.isEmpty else { return }
        openers.removeAll(where: \.record.isReady)
        for transfer in ready { if let host = transfer.record.destination { settled(host) } }
    }

    /// Has libcurl try the next address of a host at once.
    ///
    /// When an address does not answer, libcurl 7.88 prepares the next attempt, but opens its socket
    /// only when the transfer runs again, and waits for nothing that would make it run: the attempt
    /// would begin when the connect timeout ends it (`baller_initiate` in lib/connect.c). Taking a
    /// transfer out of a pause is the one call that makes it run.
    private func pushOn() {
        guard !betweenAddresses.isEmpty else { return }
        let transfers = betweenAddresses
        betweenAddresses.removeAll()
        for transfer in transfers where !transfer.record.isReady && isActive(transfer) {
            curl_easy_pause(transfer.easy, CURLPAUSE_RECV)
            curl_easy_pause(transfer.easy, CURLPAUSE_CONT)
        }
    }

    /// libcurl closes at most one connection for each that comes back, when it then has more than
    /// its limit: there is no other way to have it close one.
    private func trim(_ isNeeded: Bool) {
        guard isNeeded != isTrimming else { return }
        isTrimming = isNeeded
        let limit = isNeeded ? 1 : Self.anyNumber
        set(trunkline_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limit))
    }

    private func isActive(_ transfer: Transfer) -> Bool {
        transfer.position < active.count && active[transfer.position] === transfer
    }

    /// Reads all messages before anything is reported: a report may start or cancel transfers.
    private func collect() {
        var ended = spare
        spare = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else {
                continue
            }
            let code = trunkline_curl_result(message)
            let transfer = Transfer.owner(of: easy)
            remove(transfer)
            ended.append((transfer, code))
        }
        for (transfer, code) in ended { finished(transfer, code) }
        ended.removeAll(keepingCapacity: true)
        spare = ended
    }

    private func remove(_ transfer: Transfer) {
        let status = curl_multi_remove_handle(multi, transfer.easy)
        precondition(status == CURLM_OK, describe(status))
        if let destination = transfer.record.destination {
            destination.connections.ended(
                transfer.record.way, isSettled: transfer.record.isReady)
            if !isForStreams || destination.connections.streams == 0 {
                sockets.budget.ended(destination.kind(isShared: isForStreams))
            }
            if transfer.record.way == .opening { openers.removeAll { $0 === transfer } }
            unseed(seed(of: destination))
        }
        let last = active.removeLast()
        if last !== transfer {
            last.position = transfer.position
            active[transfer.position] = last
        }
    }

    private func set(_ status: CURLMcode) { precondition(status == CURLM_OK, describe(status)) }

    private func describe(_ status: CURLMcode) -> String {
        "libcurl multi: " + String(cString: curl_multi_strerror(status))
    }

    fileprivate func watch(
        _ easy: UnsafeMutableRawPointer, _ descriptor: curl_socket_t, _ what: Int32
    ) {
        if what == CURL_POLL_REMOVE {
            sockets.pause(descriptor)
            // Also said of a transfer that failed: it is not active any more when this is looked at.
            let transfer = Transfer.owner(of: easy)
            // Not where it is the loser of two addresses that were tried at once.
            if transfer.record.descriptor == descriptor { transfer.record.descriptor = nil }
            if !transfer.record.isReady { betweenAddresses.append(transfer) }
        } else {
            Transfer.owner(of: easy).record.descriptor = descriptor
            sockets.update(descriptor, Readiness(rawValue: what & 3), for: self)
        }
    }

    fileprivate func setTimer(_ milliseconds: Int) {
        if milliseconds < 0 {
            timer?.stop()
        } else {
            // libuv's clock counts whole milliseconds, so its timers may be early by a fraction of
            // one. libcurl then does nothing, and does not ask for the same time again: what should
            // have timed out hangs until something else happens.
            timer?.start(after: .milliseconds(milliseconds == 0 ? 0 : milliseconds + 1))
        }
    }
}

private let watchShardSocket: curl_socket_callback = { easy, descriptor, what, client, _ in
    guard let easy, let client else { return 0 }
    Unmanaged<Shard>.fromOpaque(client).takeUnretainedValue().watch(easy, descriptor, what)
    return 0
}

private let setShardTimer: curl_multi_timer_callback = { _, milliseconds, client in
    guard let client else { return 0 }
    Unmanaged<Shard>.fromOpaque(client).takeUnretainedValue().setTimer(milliseconds)
    return 0
}

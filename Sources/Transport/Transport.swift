/// HTTP to remote inboxes: libcurl's multi interface on the event loop.
///
/// Semantics are at least once. Besides the caller's own retries, libcurl repeats a request by
/// itself, on a new connection, when a kept-alive one turns out to be closed before any byte of an
/// answer came: a receiver that acted on the first and died before answering sees it twice, over
/// HTTP/2 three times.

internal import CCurl
internal import DeliveryCore
package import EventLoop

package final class Transport {
    package typealias Completion = (TransferReport) -> Void

    /// Transfers whose handles are kept for the next one: as many as are usually under way at
    /// most, so that a burst takes no new memory (26 kB each).
    private static let poolLimit = 1_024

    /// How often transfers past their time are looked for, and how long libcurl, which counts from
    /// a moment later than we do, has to end them by itself.
    private static let sweepInterval = Duration.seconds(1)

    private let loop: EventLoop
    private let configuration: TransportConfiguration
    private let addressGuard: AddressGuard
    private let trust: TrustStore
    private let sessions: TLSSessions
    private let names: NameResolver
    private var destinations = DestinationTable()
    private let sockets: SocketTable
    private var shards: [Shard] = []
    /// For streams of HTTP/2, made when they are first needed: most workers need few.
    private var streamShards: [Shard?]
    private var streamQueue = StreamQueue()
    private var pool: [Transfer] = []
    private var counted = TransportStatistics()
    /// Transfers that ended before they began, to be reported in the next turn.
    private var stillborn: [(PendingTransfer, TransportFailure, String)] = []
    private var stillbornTimer: LoopTimer?
    private var sweepTimer: LoopTimer?
    private var isSweepDue = false

    package private(set) var inFlight = 0
    /// Counts the calls of `cancelAll`: what began before the last one is not reported.
    private var generation = 0

    /// - Parameter onFlaw: told when the authorities of `configuration.caFile`, which may be
    ///   changed at any time, cannot be read any more.
    package convenience init(
        loop: EventLoop, configuration: TransportConfiguration,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator(),
        onFlaw: @escaping (String) -> Void
    ) throws(UnusableAuthorities) {
        NameResolver.sizeThreadPool
        try self.init(
            loop: loop, configuration: configuration, random: random,
            lookup: { [unowned loop] name, handler in loop.resolve(name, handler: handler) },
            onFlaw: onFlaw)
    }

    /// With another source of addresses than the system's resolver, which a test cannot have answer
    /// differently the second time.
    package init(
        loop: EventLoop, configuration: TransportConfiguration,
        random: any RandomNumberGenerator,
        lookup: @escaping (String, @escaping (NameLookup.Outcome) -> Void) -> Void,
        onFlaw: @escaping (String) -> Void
    ) throws(UnusableAuthorities) {
        precondition(CurlLibrary.ready, "the locale C.UTF-8 is missing")
        trust = try TrustStore(
            file: configuration.authorities, checkInterval: configuration.caFileCheckInterval,
            now: loop.now, onFlaw: onFlaw)
        self.loop = loop
        self.configuration = configuration
        sessions = TLSSessions(limit: configuration.sessionLimit)
        sockets = SocketTable(
            loop: loop,
            budget: ConnectionBudget(
                byteLimit: configuration.idleConnectionBytes,
                openLimit: configuration.openConnectionLimit))
        streamShards = Array(repeating: nil, count: configuration.shardCount)
        addressGuard = AddressGuard(allowed: configuration.allowedAddresses)
        names = NameResolver(
            loop: loop, limits: configuration.names, random: random, lookup: lookup)
        stillbornTimer = loop.timer { [unowned self] in reportStillborn() }
        sweepTimer = loop.timer { [unowned self] in sweep() }
        shards = (0..<configuration.shardCount).map { [sockets] _ in
            Shard(loop: loop, sockets: sockets) { [unowned self] transfer, code in
                finish(transfer, code)
            }
        }
    }

    /// Ours may be the last reference to the loop, which must outlive its timers and watches.
    deinit {
        stillbornTimer?.cancel()
        sweepTimer?.cancel()
        shards.removeAll()
        streamShards.removeAll()
    }

    package var statistics: TransportStatistics {
        var statistics = counted
        statistics.lookups = names.lookups
        statistics.idleConnections = sockets.budget.idle
        statistics.idleConnectionBytes = sockets.budget.idleBytes
        return statistics
    }

    /// Sends one request; `completion` runs exactly once, in a later turn, unless `cancelAll` comes
    /// first.
    package func send(_ request: TransferRequest, completion: @escaping Completion) {
        inFlight += 1
        let pending = PendingTransfer(
            request: request, started: loop.now, generation: generation, completion: completion)
        guard
            let destination = destinations.destination(url: request.url, authority: request.host)
        else { return abandon(pending, .notSent, "the URL is not of the host") }
        if let header = request.headers.flaw {
            return abandon(pending, .notSent, "not a header line: \(header.debugDescription)")
        }
        if destination.isLiteral { return begin(pending, to: destination, addresses: nil) }
        let answer = names.addresses(of: destination.name) { [weak self] answer in
            self?.proceed(pending, to: destination, answer)
        }
        proceed(pending, to: destination, answer)
    }

    /// Ends everything in flight; no completion runs any more. Connections are closed where a
    /// request was under way.
    package func cancelAll() {
        names.forgetWaiters()
        stillborn.removeAll()
        streamQueue.removeAll()
        for shard in allShards { shard.cancelAll().forEach(recycle) }
        inFlight = 0
        generation += 1
    }

    private func proceed(
        _ pending: PendingTransfer, to destination: Destination, _ answer: NameCache.Answer
    ) {
        switch answer {
        case .awaited: break
        case .addresses(let addresses): begin(pending, to: destination, addresses: addresses)
        case .failed(.notFound): abandon(pending, .nameNotFound, "no such name")
        case .failed(.unavailable(let detail)): abandon(pending, .nameUnavailable, detail)
        }
    }

    private func begin(
        _ pending: PendingTransfer, to destination: Destination, addresses: [String]?
    ) {
        let way =
            configuration.http2 != .off && destination.isSecure
                && !pending.request.onFreshConnection
            ? destination.connections.way(configuration.http2, now: loop.now) : .own
        guard way != .waiting else {
            return streamQueue.add(
                StreamQueue.Waiter(
                    pending: pending, destination: destination, addresses: addresses))
        }
        begin(pending, to: destination, way, addresses: addresses)
    }

    private func begin(
        _ pending: PendingTransfer, to destination: Destination, _ way: HostConnections.Way,
        addresses: [String]?
    ) {
        let now = loop.now
        if trust.refresh(now: now) {
            sessions.forgetAll(restingUntil: now + configuration.connectionLifetime)
        }
        let transfer =
            pool.popLast()
            ?? Transfer(
                configuration: configuration, addressGuard: addressGuard, trust: trust,
                sockets: sockets)
        let number = Int(destination.seed.hash % UInt64(shards.count))
        let shard = way == .own ? shards[number] : streamShard(number)
        let sessions =
            destination.isSecure ? sessions.cache(of: destination.authority, now: now) : nil
        pending.request.holding {
            shard.begin(
                transfer, pending, to: destination, way, addresses: addresses, sessions: sessions,
                now: now)
        }
        planSweep()
    }

    private func streamShard(_ number: Int) -> Shard {
        if let shard = streamShards[number] { return shard }
        let shard = Shard(
            loop: loop, sockets: sockets, isForStreams: true,
            settled: { [unowned self] in beginWaiting($0) }
        ) { [unowned self] transfer, code in
            finish(transfer, code)
        }
        streamShards[number] = shard
        return shard
    }

    private var allShards: [Shard] { shards + streamShards.compactMap { $0 } }

    /// It is known now whether the host speaks HTTP/2.
    private func beginWaiting(_ destination: Destination) {
        for waiter in streamQueue.take(destination) {
            begin(waiter.pending, to: destination, addresses: waiter.addresses)
        }
    }

    private func planSweep() {
        guard !isSweepDue else { return }
        isSweepDue = true
        sweepTimer?.start(after: Self.sweepInterval)
    }

    private func sweep() {
        isSweepDue = false
        let now = loop.now
        let age = configuration.totalTimeout + Self.sweepInterval
        let shards = allShards
        for shard in shards {
            shard.takeCrowded(waitingSince: Self.sweepInterval, now: now).forEach(giveOwn)
            shard.endTransfers(olderThan: age, now: now)
        }
        if !shards.allSatisfy(\.isIdle) { planSweep() }
    }

    /// A stream for which there is no room gets a connection for itself.
    private func giveOwn(_ transfer: Transfer) {
        let record = transfer.record
        guard let pending = record.pending, let destination = record.destination else { return }
        recycle(transfer)
        destination.connections.crowded(now: loop.now)
        begin(pending, to: destination, .own, addresses: record.addresses)
        if record.way == .opening { beginWaiting(destination) }
    }

    /// Takes note of a host with which HTTP/2 fails.
    private func blame(_ record: Transfer.Record, for failure: TransportFailure) {
        guard record.isStream, let destination = record.destination else { return }
        switch failure {
        case .forbiddenAddress, .notSent, .nameNotFound, .nameUnavailable, .certificateInvalid:
            break
        case .connectFailed, .connectTimedOut, .tlsFailed, .timedOut, .connectionLost,
            .malformedAnswer:
            destination.connections.failed(isReady: record.isReady, now: loop.now)
        }
    }

    private func finish(_ transfer: Transfer, _ code: CURLcode) {
        guard let pending = transfer.record.pending else { return }
        let report = TransferReport(
            token: pending.request.token, exchange: transfer.exchange(code),
            duration: loop.now - pending.started, connectCount: transfer.connectCount,
            remoteAddress: transfer.remoteAddress, isHTTP2: transfer.record.isHTTP2)
        if case .failed(let failure, _) = report.exchange {
            if transfer.record.openedSockets > 0 { sessions.forget(pending.request.host) }
            blame(transfer.record, for: failure)
        }
        // Before anything else waits for the next one. Those of a connection that stood are begun.
        let record = transfer.record
        let waiters =
            record.way == .opening && !record.isReady
            ? record.destination.map { streamQueue.take($0) } ?? [] : []
        recycle(transfer)
        complete(pending, report)
        // The connection that they waited for was not made: each would have failed to make its own.
        for waiter in waiters {
            let pending = waiter.pending
            complete(
                pending,
                TransferReport(
                    token: pending.request.token, exchange: report.exchange,
                    duration: loop.now - pending.started, connectCount: 0, remoteAddress: nil))
        }
    }

    /// Keeps the handle, unless it has repeated a request: libcurl 7.88 counts repetitions over the
    /// life of a handle, and fails the transfer with the sixth (`Curl_retry_request` in
    /// lib/transfer.c).
    private func recycle(_ transfer: Transfer) {
        let isFit = !transfer.record.isRepeated
        transfer.release()
        if isFit, pool.count < Self.poolLimit { pool.append(transfer) }
    }

    private func abandon(
        _ pending: PendingTransfer, _ failure: TransportFailure, _ detail: String
    ) {
        if stillborn.isEmpty { stillbornTimer?.start(after: .zero) }
        stillborn.append((pending, failure, detail))
    }

    private func reportStillborn() {
        let ended = stillborn
        stillborn.removeAll()
        for (pending, failure, detail) in ended {
            let report = TransferReport(
                token: pending.request.token, exchange: .failed(failure, detail: detail),
                duration: loop.now - pending.started, connectCount: 0, remoteAddress: nil)
            complete(pending, report)
        }
    }

    private func complete(_ pending: PendingTransfer, _ report: TransferReport) {
        // Cancelled by the completion of another transfer that ended at the same time.
        guard pending.generation == generation else { return }
        inFlight -= 1
        counted.count(report)
        pending.completion(report)
    }
}

/// A transfer on its way to, or in, libcurl.
struct PendingTransfer {
    let request: TransferRequest
    let started: Instant
    let generation: Int
    let completion: Transport.Completion
}

/// Transfers that wait until it is known whether their host speaks HTTP/2.
///
/// libcurl has such a queue (CURLOPT_PIPEWAIT), but what waits in it is not ended by its timeout,
/// and only the first of all hosts' is woken at a time (`process_pending_handles` in lib/multi.c of
/// 7.88). So none is given to libcurl before it can be sent.
struct StreamQueue {
    struct Waiter {
        let pending: PendingTransfer
        let destination: Destination
        let addresses: [String]?
    }

    private var waiters: [ObjectIdentifier: [Waiter]] = [:]

    mutating func add(_ waiter: Waiter) {
        waiters[ObjectIdentifier(waiter.destination), default: []].append(waiter)
    }

    /// Those of one host, in their order.
    mutating func take(_ destination: Destination) -> [Waiter] {
        guard !waiters.isEmpty else { return [] }
        return waiters.removeValue(forKey: ObjectIdentifier(destination)) ?? []
    }

    mutating func removeAll() { waiters.removeAll() }
}

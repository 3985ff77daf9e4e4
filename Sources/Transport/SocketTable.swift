/// The sockets that libcurl has open, by descriptor, and what is waited for on each.

internal import CCurl
internal import EventLoop

/// Outlives every connection: libcurl closes sockets through it until its multi handles are gone.
/// A watch is kept while its connection is idle, and goes on in the kernel: the next transfer waits
/// for the same, and so costs no epoll_ctl(2), of which there would be three. It is paused when
/// something comes that nobody waits for.
final class SocketTable {
    private struct Entry {
        var watch: DescriptorWatch
        var interest: Readiness
        unowned let shard: Shard
    }

    private struct Owner {
        let destination: Destination
        let isShared: Bool
    }

    /// TCP_CLOSE_WAIT of the kernel.
    private static let closeWait: Int32 = 8

    private let loop: EventLoop
    private var entries: [Entry?] = []
    /// Who has opened a descriptor, while it is open.
    private var owners: [Owner?] = []
    var budget: ConnectionBudget

    init(loop: EventLoop, budget: ConnectionBudget) {
        self.loop = loop
        self.budget = budget
    }

    /// Libcurl may have closed sockets behind our back (see `open`): their watches must not outlive
    /// the loop.
    deinit { for entry in entries { entry?.watch.cancel() } }

    /// Opens a socket; negative with `errno` set when there is none to be had.
    ///
    /// libcurl 7.88 closes connection attempts that it gives up (`cf_socket_close`, "not active")
    /// without a word to either callback, and the kernel gives the number to the next attempt at
    /// once. If what libcurl waits for is the same as before it does not say that either: so the
    /// new socket inherits what was wanted of the old one.
    func open(
        family: Int32, type: Int32, protocol: Int32, for destination: Destination, isShared: Bool
    ) -> Int32 {
        let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type | flags, `protocol`)
        guard descriptor >= 0 else { return descriptor }
        budget.opened(descriptor, destination.kind(isShared: isShared))
        disown(descriptor)
        while descriptor >= owners.count { owners.append(nil) }
        owners[Int(descriptor)] = Owner(destination: destination, isShared: isShared)
        destination.connections.opened(isShared: isShared)
        if let stale = entry(descriptor) {
            forget(descriptor)
            if !stale.interest.isEmpty {
                update(descriptor, stale.interest, for: stale.shard)
            }
        }
        return descriptor
    }

    /// Throws away what a peer said last that has closed an idle connection.
    ///
    /// libcurl 7.88 takes such a connection for a living one when close_notify, or anything else, came
    /// before the end: it writes a request to it and fails, or takes what came for the answer, and
    /// it does so with five connections at most. Without those bytes it sees the end.
    func discardLastWords(_ descriptor: Int32) {
        guard trunkline_curl_tcp_state(descriptor) == Self.closeWait else { return }
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            while recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
        }
    }

    /// Has the shard act on this from now on; it is the one of the first call for a descriptor.
    func update(_ descriptor: Int32, _ interest: Readiness, for shard: Shard) {
        while descriptor >= entries.count { entries.append(nil) }
        let index = Int(descriptor)
        if entries[index] == nil {
            let watch = loop.watch(descriptor, for: .send) { [unowned self] readiness in
                ready(descriptor, readiness)
            }
            entries[index] = Entry(watch: watch, interest: [], shard: shard)
        }
        entries[index]?.interest = interest
        entries[index]?.watch.update(interest)
    }

    private func ready(_ descriptor: Int32, _ readiness: Readiness) {
        guard let entry = entry(descriptor) else { return }
        let wanted = readiness.intersection(entry.interest)
        if wanted.isEmpty {
            discardLastWords(descriptor)
            entry.watch.update(entry.interest)
        } else {
            entry.shard.act(on: descriptor, wanted)
        }
    }

    func pause(_ descriptor: Int32) {
        guard entry(descriptor) != nil else { return }
        entries[Int(descriptor)]?.interest = []
    }

    fileprivate func close(_ descriptor: Int32) -> Int32 {
        forget(descriptor)
        budget.closed(descriptor)
        disown(descriptor)
        return CCurl.close(descriptor)
    }

    private func disown(_ descriptor: Int32) {
        guard descriptor < owners.count, let owner = owners[Int(descriptor)] else { return }
        owners[Int(descriptor)] = nil
        owner.destination.connections.closed(isShared: owner.isShared)
        if owner.destination.sharedDescriptor == descriptor {
            owner.destination.sharedDescriptor = nil
        }
    }

    private func entry(_ descriptor: Int32) -> Entry? {
        descriptor < entries.count ? entries[Int(descriptor)] : nil
    }

    private func forget(_ descriptor: Int32) {
        guard let entry = entry(descriptor) else { return }
        entry.watch.cancel()
        entries[Int(descriptor)] = nil
    }
}

let closeSocket: curl_closesocket_callback = { client, descriptor in
    guard let client else { return -1 }
    return Unmanaged<SocketTable>.fromOpaque(client).takeUnretainedValue().close(descriptor)
}

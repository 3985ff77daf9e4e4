/// Readiness of one file descriptor that another library owns (hiredis, libpq, libcurl).

internal import CUV

package struct Readiness: OptionSet, Sendable, Equatable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
}

/// One watch per descriptor at a time; cancel it *before* the descriptor is closed, because the
/// kernel gives the number to the next socket at once.
package final class DescriptorWatch {
    private let loop: EventLoop
    private let descriptor: Int32
    /// Who is charged for what the handler does.
    let account: CPUAccount
    private var handle: UnsafeMutablePointer<uv_poll_t>?
    private var handler: (Readiness) -> Void
    private var interest: Readiness = []

    init(
        loop: EventLoop, descriptor: Int32, account: CPUAccount,
        handler: @escaping (Readiness) -> Void
    ) {
        self.loop = loop
        self.account = account
        self.descriptor = descriptor
        self.handler = handler
        // A new watch on a descriptor proves that the old one was closed: libcurl closes abandoned
        // connection attempts without a word, and the kernel gives the number to the next socket,
        // be it Redis' or PostgreSQL's. libuv would refuse the second watch of one number.
        loop.watched[descriptor]?.watch.cancel()
        let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        let status = uv_poll_init(loop.loop, handle, descriptor)
        precondition(status == 0, "uv_poll_init(\(descriptor)): \(describe(status))")
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        self.handle = handle
        loop.watched[descriptor] = EventLoop.Watched(watch: self)
    }

    deinit { cancel() }

    /// Sets what is waited for; empty pauses the watch and keeps it.
    package func update(_ interest: Readiness) {
        guard let handle, interest != self.interest else { return }
        self.interest = interest
        if interest.isEmpty {
            uv_poll_stop(handle)
        } else {
            uv_poll_start(handle, interest.rawValue, recordReadiness)
        }
    }

    package func cancel() {
        guard let handle else { return }
        self.handle = nil
        handler = { _ in }
        loop.watched[descriptor] = nil
        handle.pointee.data = nil
        uv_close(trunkline_uv_handle(handle), releaseHandle)
    }

    /// Runs the handler unless the watch was cancelled, or lost interest, since the record.
    func deliver(_ readiness: Readiness) {
        guard handle != nil else { return }
        let current = readiness.intersection(interest)
        if !current.isEmpty { handler(current) }
    }

    fileprivate func ready(status: Int32, events: Int32) {
        // An error state (EBADF, POLLERR) is told as readiness: the owner's next call on the
        // descriptor gets the errno, which it knows better how to judge than we do.
        let readiness = status < 0 ? interest : Readiness(rawValue: events & 3)
        loop.record(.descriptor(self, readiness))
    }
}

extension EventLoop {
    /// Whether a descriptor has readiness at all: a regular file and /dev/null have none, and a
    /// closed one has nothing.
    package func canWatch(_ descriptor: Int32) -> Bool {
        let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        guard uv_poll_init(loop, handle, descriptor) == 0 else {
            handle.deallocate()
            return false
        }
        uv_close(trunkline_uv_handle(handle), releaseHandle)
        return true
    }

    package func watch(
        _ descriptor: Int32, for account: CPUAccount = .poll,
        handler: @escaping (Readiness) -> Void
    ) -> DescriptorWatch {
        DescriptorWatch(loop: self, descriptor: descriptor, account: account, handler: handler)
    }
}

private let recordReadiness: uv_poll_cb = { handle, status, events in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<DescriptorWatch>.fromOpaque(data).takeUnretainedValue()
        .ready(status: status, events: events)
}

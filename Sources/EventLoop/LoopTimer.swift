/// A one-shot timer of the loop, with millisecond resolution.

internal import CUV
internal import DeliveryCore

package final class LoopTimer {
    private let loop: EventLoop
    private var handle: UnsafeMutablePointer<uv_timer_t>?
    private var handler: () -> Void
    /// Who is charged for what the handler does.
    let account: CPUAccount

    init(loop: EventLoop, account: CPUAccount, handler: @escaping () -> Void) {
        self.loop = loop
        self.account = account
        self.handler = handler
        let handle = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        uv_timer_init(loop.loop, handle)
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        self.handle = handle
    }

    deinit { cancel() }

    /// Arms the timer anew; an earlier arming is forgotten.
    package func start(after delay: Duration) {
        guard let handle else { return }
        // libuv counts from the start of its turn: without this a long turn makes timers early.
        uv_update_time(loop.loop)
        uv_timer_start(handle, recordTimer, UInt64(max(0, delay.wholeMilliseconds)), 0)
    }

    package func stop() {
        if let handle { uv_timer_stop(handle) }
    }

    package func cancel() {
        guard let handle else { return }
        self.handle = nil
        handler = {}
        handle.pointee.data = nil
        uv_close(trunkline_uv_handle(handle), releaseHandle)
    }

    func deliver() { if handle != nil { handler() } }

    fileprivate func fired() { loop.record(.timer(self)) }
}

extension EventLoop {
    /// A timer that is not armed yet.
    package func timer(
        for account: CPUAccount = .schedule, _ handler: @escaping () -> Void
    ) -> LoopTimer {
        LoopTimer(loop: self, account: account, handler: handler)
    }

    package func startTimer(
        after delay: Duration, _ handler: @escaping () -> Void
    ) -> LoopTimer {
        let timer = timer(handler)
        timer.start(after: delay)
        return timer
    }
}

private let recordTimer: uv_timer_cb = { handle in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue().fired()
}

/// A Unix signal as an event of the loop.

internal import CUV

package final class SignalWatch {
    private let loop: EventLoop
    private var handle: UnsafeMutablePointer<uv_signal_t>?
    private var handler: () -> Void

    init(loop: EventLoop, signal: Int32, handler: @escaping () -> Void) {
        self.loop = loop
        self.handler = handler
        let handle = UnsafeMutablePointer<uv_signal_t>.allocate(capacity: 1)
        uv_signal_init(loop.loop, handle)
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        self.handle = handle
        uv_signal_start(handle, recordSignal, signal)
    }

    deinit { cancel() }

    package func cancel() {
        guard let handle else { return }
        self.handle = nil
        handler = {}
        handle.pointee.data = nil
        uv_close(trunkline_uv_handle(handle), releaseHandle)
    }

    func deliver() { if handle != nil { handler() } }

    fileprivate func fired() { loop.record(.signal(self)) }
}

extension EventLoop {
    package func watch(signal: Int32, handler: @escaping () -> Void) -> SignalWatch {
        SignalWatch(loop: self, signal: signal, handler: handler)
    }
}

private let recordSignal: uv_signal_cb = { handle, _ in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<SignalWatch>.fromOpaque(data).takeUnretainedValue().fired()
}

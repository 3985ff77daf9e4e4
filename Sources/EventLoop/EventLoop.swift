/// The worker's one thread of control: libuv, driven a turn at a time.
///
/// A turn waits for the kernel once, lets libuv's callbacks record what happened, and only then
/// runs the handlers, in the order of the records. So no handler ever runs inside a C library, and
/// whatever a handler does (close a descriptor, cancel another watch) cannot free something that C
/// still holds. Not thread-safe: one loop, one thread.

internal import CUV
package import DeliveryCore

package final class EventLoop {
    let loop: UnsafeMutablePointer<uv_loop_t>
    /// What libuv reported in this turn, not yet handed to its handler.
    private var records: [Record] = []

    enum Record {
        case descriptor(DescriptorWatch, Readiness)
        case timer(LoopTimer)
        case resolved(NameLookup)
        case signal(SignalWatch)
    }

    package init() {
        loop = .allocate(capacity: 1)
        let status = uv_loop_init(loop)
        precondition(status == 0, "uv_loop_init: \(describe(status))")
    }

    deinit {
        // Handles close asynchronously: let their close callbacks run, or the loop stays busy.
        uv_walk(
            loop,
            { handle, _ in
                if uv_is_closing(handle) == 0 { uv_close(handle, releaseHandle) }
            }, nil)
        uv_run(loop, UV_RUN_DEFAULT)
        uv_loop_close(loop)
        loop.deallocate()
    }

    /// Time since boot, suspend included (`CLOCK_BOOTTIME`): the clock of every deadline.
    package var now: Instant { Self.now }

    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Calendar time in milliseconds since 1970: for what leaves the process, never for deadlines.
    package static var wallTime: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(
            milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Waits for events, at most `limit` (nil: until one comes), and runs their handlers.
    package func turn(waitingAtMost limit: Duration?) {
        if let limit {
            let milliseconds = limit.wholeMilliseconds
            if milliseconds <= 0 {
                uv_run(loop, UV_RUN_NOWAIT)
            } else {
                let bound = startTimer(after: limit) {}
                uv_run(loop, UV_RUN_ONCE)
                bound.cancel()
            }
        } else {
            uv_run(loop, UV_RUN_ONCE)
        }
        while !records.isEmpty {
            let batch = records
            records.removeAll(keepingCapacity: true)
            for record in batch { run(record) }
        }
    }

    func record(_ record: Record) { records.append(record) }

    private func run(_ record: Record) {
        switch record {
        case .descriptor(let watch, let readiness): watch.deliver(readiness)
        case .timer(let timer): timer.deliver()
        case .resolved(let lookup): lookup.deliver()
        case .signal(let watch): watch.deliver()
        }
    }
}

/// libuv's own words for a negative status.
func describe(_ status: Int32) -> String { String(cString: uv_strerror(status)) }

/// Frees the memory of a closed handle: every handle here is allocated by its owner, alone.
let releaseHandle: uv_close_cb = { handle in
    guard let handle else { return }
    UnsafeMutableRawPointer(handle).deallocate()
}

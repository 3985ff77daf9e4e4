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
    /// Lives as long as the loop: a handle that is being closed keeps libuv from waiting.
    private let turnTimer: UnsafeMutablePointer<uv_timer_t>
    /// The one live watch of each descriptor.
    var watched: [Int32: Watched] = [:]
    /// What the thread spends its time on.
    package var meter = CPUMeter()
    /// What libuv reported in this turn, not yet handed to its handler.
    private var records: [Record] = []

    /// Not held: a watch leaves the table when it is cancelled, at the latest by its deinit.
    struct Watched { unowned let watch: DescriptorWatch }

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
        turnTimer = .allocate(capacity: 1)
        uv_timer_init(loop, turnTimer)
    }

    /// Watches and timers hold their loop, so none of them is left by now.
    deinit {
        // Handles close asynchronously: let their close callbacks run, or the loop stays busy.
        uv_walk(
            loop,
            { handle, _ in
                if uv_is_closing(handle) == 0 { uv_close(handle, releaseHandle) }
            }, nil)
        // A lookup that ends meanwhile records, and a record stops the run.
        while uv_run(loop, UV_RUN_DEFAULT) != 0 {}
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
        meter.willPoll()
        if let limit, limit <= .zero {
            uv_run(loop, UV_RUN_NOWAIT)
        } else {
            if let limit { bound(limit) }
            uv_run(loop, UV_RUN_ONCE)
            uv_timer_stop(turnTimer)
        }
        meter.hasPolled()
        while !records.isEmpty {
            let batch = records
            records.removeAll(keepingCapacity: true)
            for record in batch { run(record) }
        }
    }

    /// Ends the coming wait after `limit`, rounded up: the last part of a millisecond is not spun.
    private func bound(_ limit: Duration) {
        uv_update_time(loop)
        let milliseconds = limit.wholeMilliseconds
        let rounded = milliseconds + (limit > .milliseconds(milliseconds) ? 1 : 0)
        uv_timer_start(turnTimer, { _ in }, UInt64(rounded), 0)
    }

    /// Also ends the wait: libuv runs due timers before it polls, and what they record must not
    /// wait for a descriptor.
    func record(_ record: Record) {
        records.append(record)
        uv_stop(loop)
    }

    private func run(_ record: Record) {
        switch record {
        case .descriptor(let watch, let readiness):
            meter.enter(watch.account)
            watch.deliver(readiness)
        case .timer(let timer):
            meter.enter(timer.account)
            timer.deliver()
        case .resolved(let lookup):
            meter.enter(.send)
            lookup.deliver()
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

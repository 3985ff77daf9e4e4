/// One child process, from its start until it is reaped.
///
/// Everything goes through a pidfd: a signal can't hit a later process that was given the same
/// number, and waiting is one `poll` without a SIGCHLD handler. Any thread may wait. A child that
/// still runs when its last reference goes is killed and reaped: there are no zombies and no
/// runaways.

internal import CProcess
internal import Glibc
internal import Synchronization

package final class ChildProcess: Sendable {
    package let pid: Int32
    let descriptor: Int32
    private let state: Mutex<State>

    private struct State {
        var lifeline: Int32?
        var exit: ProcessExit?
    }

    package init(_ command: Command) throws(SystemFailure) {
        let spawned = try command.spawn()
        pid = spawned.pid
        descriptor = pidfd_open(spawned.pid, 0)
        state = Mutex(State(lifeline: spawned.lifeline))
        if descriptor < 0 {
            let failure = SystemFailure("pidfd_open")
            Glibc.kill(spawned.pid, SIGKILL)
            _ = uninterrupted { waitpid(spawned.pid, nil, 0) }
            if let lifeline = spawned.lifeline { close(lifeline) }
            throw failure
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        closeLifeline()
        send(signal: SIGKILL)
        wait()
        close(descriptor)
    }

    package var isRunning: Bool { wait(atMost: .zero) == nil }

    @discardableResult
    package func wait() -> ProcessExit {
        while true {
            awaitReadable(descriptor, until: nil)
            if let exit = reap() { return exit }
        }
    }

    /// nil: it still runs.
    package func wait(atMost limit: Duration) -> ProcessExit? {
        awaitReadable(descriptor, until: .now + limit)
        return reap()
    }

    /// Does nothing when the child has ended.
    package func send(signal: Int32) {
        _ = pidfd_send_signal(descriptor, signal, nil, 0)
    }

    /// Asks with `signal`, and kills what has not ended after `grace`.
    @discardableResult
    package func terminate(signal: Int32 = SIGTERM, grace: Duration) -> ProcessExit {
        send(signal: signal)
        if let exit = wait(atMost: grace) { return exit }
        send(signal: SIGKILL)
        return wait()
    }

    /// The child reads a byte from its lifeline, if it has one and reads at all.
    package func nudge() {
        state.withLock { state in
            guard let lifeline = state.lifeline else { return }
            // One that is full, or that nobody reads any more, is no news.
            _ = Glibc.send(lifeline, "\n", 1, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
    }

    /// The child reads end of file from its standard input.
    package func closeLifeline() {
        state.withLock { state in
            if let lifeline = state.lifeline { close(lifeline) }
            state.lifeline = nil
        }
    }

    private func reap() -> ProcessExit? {
        state.withLock { state in
            if let exit = state.exit { return exit }
            var status: Int32 = 0
            guard uninterrupted({ waitpid(pid, &status, WNOHANG) }) == pid else { return nil }
            let exit = ProcessExit(waitStatus: status)
            state.exit = exit
            return exit
        }
    }
}

/// Waits until a descriptor is readable (a pidfd: until its process has ended).
///
/// - Returns: false when `deadline` came first; nil waits for ever.
@discardableResult
func awaitReadable(_ descriptor: Int32, until deadline: ContinuousClock.Instant?) -> Bool {
    while true {
        var milliseconds: Int32 = -1
        if let deadline {
            let (seconds, attoseconds) = (deadline - .now).components
            let left = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
            milliseconds = Int32(clamping: max(left, 0))
        }
        var watched = pollfd(descriptor: descriptor)
        let ready = poll(&watched, 1, milliseconds)
        if ready > 0 { return true }
        if ready == 0, milliseconds < Int32.max { return false }
    }
}

extension pollfd {
    fileprivate init(descriptor: Int32) {
        self.init(fd: descriptor, events: Int16(POLLIN), revents: 0)
    }
}

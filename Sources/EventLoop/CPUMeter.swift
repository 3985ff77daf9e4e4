/// What the loop's thread spends its CPU time on.

internal import CUV

/// A part of a delivery's way that is charged for its time. Raw values count from 0.
package enum CPUAccount: Int, CaseIterable, Sendable {
    /// Asking the kernel what has happened, and libuv's share.
    case poll
    /// From the intake to a delivery that can be scheduled: Redis, parsing, what PostgreSQL knows.
    case claim
    /// The machine.
    case schedule
    case sign
    /// libcurl and TLS, requests and answers.
    case send
    /// Results into PostgreSQL.
    case settle
}

/// Divides the thread's CPU time among accounts.
///
/// Reading a thread's CPU clock is a system call of half a microsecond or more, the clock of the
/// wall costs a twentieth of it: so a turn is divided by the latter, and what the kernel says that
/// the whole turn took is spread in these shares. Twice a turn, and once for each change of
/// account: well below one in a hundred of what a delivery costs.
package struct CPUMeter {
    /// Nanoseconds by account, since the start.
    package private(set) var spent = [UInt64](repeating: 0, count: CPUAccount.allCases.count)
    private var turn = [UInt64](repeating: 0, count: CPUAccount.allCases.count)
    private var account = CPUAccount.poll
    private var entered = CPUMeter.read(CLOCK_MONOTONIC)
    private var cpu = CPUMeter.read(CLOCK_THREAD_CPUTIME_ID)

    /// From now on it is `account` that spends.
    package mutating func enter(_ account: CPUAccount) {
        let now = Self.read(CLOCK_MONOTONIC)
        turn[self.account.rawValue] += now &- entered
        entered = now
        self.account = account
    }

    /// The turn's handlers are done: its time is divided.
    mutating func willPoll() {
        enter(.poll)
        let used = readCPU()
        let whole = turn.reduce(0, +)
        guard whole > 0 else { return }
        let rate = Double(used) / Double(whole)
        for index in turn.indices {
            spent[index] += UInt64(Double(turn[index]) * rate)
            turn[index] = 0
        }
    }

    /// The time asleep is nobody's.
    mutating func hasPolled() {
        spent[CPUAccount.poll.rawValue] += readCPU()
        entered = Self.read(CLOCK_MONOTONIC)
    }

    /// Nanoseconds of CPU since the last reading.
    private mutating func readCPU() -> UInt64 {
        let before = cpu
        cpu = Self.read(CLOCK_THREAD_CPUTIME_ID)
        return cpu &- before
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

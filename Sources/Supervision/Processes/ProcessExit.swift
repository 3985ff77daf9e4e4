/// How a process ended.

internal import Glibc

package enum ProcessExit: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    /// - Parameter status: what `waitpid` left (`WIFEXITED` and its kin are C macros).
    init(waitStatus status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }

    /// The signals by which a program's own fault ends it, as opposed to somebody's `kill`. A trap of
    /// Swift's is SIGILL on x86-64 and SIGTRAP on arm64.
    package var isFault: Bool {
        guard case .killed(let signal) = self else { return false }
        return [SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE].contains(signal)
    }

    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .killed(let signal):
            "was killed by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}

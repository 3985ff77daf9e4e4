/// Why a memory file can't be used.

internal import Glibc

package enum ScoreboardError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAScoreboard
    case otherLayout(theirs: UInt64, ours: UInt64)
    case noSuchSlot(Int, slots: Int)
    case incarnationTooLong(Int, limit: Int)
    case system(String, Int32)

    package var description: String {
        switch self {
        case .notAScoreboard: "the inherited descriptor is not a scoreboard"
        case .otherLayout(let theirs, let ours):
            """
            the scoreboard has layout \(String(theirs, radix: 16)), this binary \
            \(String(ours, radix: 16)): supervisor and workers must be the same build
            """
        case .noSuchSlot(let slot, let slots):
            "there is no slot \(slot): the scoreboard has \(slots)"
        case .incarnationTooLong(let length, let limit):
            "an incarnation of \(length) bytes is too long for its slot: at most \(limit)"
        case .system(let operation, let code): "\(operation): \(String(cString: strerror(code)))"
        }
    }
}

import Glibc
import Testing

/// Waiting for what other processes do: look, wait a little for nothing, look again.
enum Poll {
    /// How long `poll(2)` on no descriptors blocks between two looks. A look at thousands of rows
    /// takes its time, too: the wait is at least as long as the look.
    static let shortestWait: Duration = .milliseconds(20)

    /// Throws when it has not come true after `limit`; says what was waited for.
    static func until(
        _ what: @autoclosure () -> String, within limit: Duration,
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
    ) throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let start = ContinuousClock.now
            if try condition() { return }
            guard ContinuousClock.now < deadline else {
                let text = "not within \(limit): \(what())"
                Issue.record(Comment(rawValue: text), sourceLocation: sourceLocation)
                throw NeverCame(description: text)
            }
            let look = ContinuousClock.now - start
            poll(nil, 0, Int32(max(look, shortestWait) / .milliseconds(1)))
        }
    }

    struct NeverCame: Error, CustomStringConvertible { let description: String }
}

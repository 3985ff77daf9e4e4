import Glibc

/// Waiting for what other processes do: look, wait a little for nothing, look again.
package enum Poll {
    /// How long `poll(2)` on no descriptors blocks between two looks. A look at thousands of rows
    /// takes its time, too: the wait is at least as long as the look.
    package static let shortestWait: Duration = .milliseconds(20)

    /// Throws when it has not come true after `limit`; says what was waited for.
    package static func until(
        _ what: @autoclosure () -> String, within limit: Duration,
        file: String = #fileID, line: Int = #line, _ condition: () throws -> Bool
    ) throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let start = ContinuousClock.now
            try Interruption.check()
            if try condition() { return }
            guard ContinuousClock.now < deadline else {
                throw NeverCame(description: "\(file):\(line): not within \(limit): \(what())")
            }
            let look = ContinuousClock.now - start
            poll(nil, 0, Int32(max(look, shortestWait) / .milliseconds(1)))
        }
    }

    package struct NeverCame: Error, CustomStringConvertible { package let description: String }
}

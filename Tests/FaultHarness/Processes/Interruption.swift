import Glibc
import Synchronization

/// Ctrl-C, as an error: what waits stops waiting, and everything that was started is stopped.
package enum Interruption {
    private static let hasCome = Atomic<Bool>(false)

    package struct Interrupted: Error, CustomStringConvertible {
        package let description = "interrupted"
    }

    package static func listen() {
        // Made before a handler needs it.
        _ = hasCome.load(ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in Interruption.hasCome.store(true, ordering: .relaxed) }
        }
    }

    package static func check() throws {
        if hasCome.load(ordering: .relaxed) { throw Interrupted() }
    }
}

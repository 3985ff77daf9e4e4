/// A system call that failed, with the errno it left.

internal import Glibc

package struct SystemFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let operation: String
    package let code: Int32

    init(_ operation: String, code: Int32 = errno) {
        self.operation = operation
        self.code = code
    }

    package var description: String { "\(operation): \(String(cString: strerror(code)))" }
}

/// Repeats a call that a signal interrupted; nil for any other failure, with errno as it was left.
func uninterrupted<Value: SignedInteger>(_ call: () -> Value) -> Value? {
    while true {
        let value = call()
        if value >= 0 { return value }
        if errno != EINTR { return nil }
    }
}

internal import CCrypto

/// What libcrypto said when a call failed: the one place that reads its error queue.
///
/// The queue is per thread and outlives the call, so that a leftover would explain the next failure
/// (libcurl shares the thread). Whoever sees a call fail makes one of these, which empties it.
package struct CryptoFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// Takes everything off the queue. `operation` says what was being done: libcrypto does not
    /// always say.
    init(_ operation: String) {
        var messages: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            messages.append(Self.text(of: code))
        }
        description =
            messages.isEmpty
            ? operation : "\(operation): \(messages.joined(separator: "; "))"
    }

    /// For calls that leave entries behind although they succeed.
    static func clear() { ERR_clear_error() }

    private static func text(of code: UInt) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            ERR_error_string_n(code, buffer.baseAddress, buffer.count)
            return String(cString: buffer.baseAddress!)
        }
    }
}

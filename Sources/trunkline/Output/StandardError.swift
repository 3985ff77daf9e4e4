internal import Glibc

/// Says something beside the result, on standard error: the result may be piped elsewhere.
func note(_ sentence: String) { writeToStandardError("trunkline: \(sentence)\n") }

/// Not through `stderr`, which is a global variable to Swift. A write that fails is passed over:
/// there is nobody to tell.
func writeToStandardError(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

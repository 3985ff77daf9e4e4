/// A directory of a test's own under /tmp, and programs run in it.

import Glibc
import Supervision
import Testing

final class Scratch {
    let path: String

    /// - Parameter mode: 0700 is what `mktemp -d` makes: closed to every other user.
    init(mode: mode_t = 0o700) {
        var template = Array("/tmp/trunkline-supervision-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
        chmod(path, mode)
    }

    deinit { _ = try? run("/bin/rm", "-rf", path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// What a program wrote, without the last line end; throws unless it ended with code 0.
    @discardableResult
    func run(_ program: String, _ arguments: String...) throws -> String {
        try run(program, arguments, as: nil)
    }

    @discardableResult
    func run(_ program: String, _ arguments: [String], as user: String?) throws -> String {
        let output = file("output-\(UInt64.random(in: 0 ... .max))")
        defer { unlink(output) }
        var command = Command(path: program, arguments: arguments, output: .appended(to: output))
        if let user {
            command.path = "/usr/bin/setpriv"
            command.arguments =
                ["--reuid=\(user)", "--regid=nogroup", "--clear-groups", "--", program] + arguments
        }
        let exit = try ChildProcess(command).wait()
        let text = contents(of: output)
        guard exit == .exited(0) else { throw Failure(text: "\(program) \(exit): \(text)") }
        return text
    }

    struct Failure: Error { let text: String }
}

/// A whole file without its last line end; empty when there is none.
func contents(of path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
        bytes += buffer[..<count]
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}

/// Whether a process of this number exists; a zombie counts.
func exists(_ pid: Int32) -> Bool { kill(pid, 0) == 0 }

/// Asks again until the answer is yes; after half a minute it never will be.
func eventually(_ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try !condition() { try #require(.now < deadline, "it never came true") }
}

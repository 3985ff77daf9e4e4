/// Processes that a supervisor left behind when it died without stopping them.
///
/// They are known by the directory they work in: both servers change into their data directory,
/// no other server may work there, and a process number in an old file may be somebody else's by
/// now. Where the kernel hides that directory (another user's process, without CAP_SYS_PTRACE) the
/// number in the pid file counts, if that process was started with this directory's name.

internal import CProcess
internal import Glibc

struct StrayProcesses {
    let program: String
    let workingDirectory: String
    /// A file whose first line is the number of the server's first process.
    let pidFile: String

    /// Ends them all: the first process with `signal`, then what is left after `grace` at once.
    func stop(signal: Int32, grace: Duration) {
        let first = pidFileProcess()
        if let first, matches(first), let descriptor = open(first) {
            _ = pidfd_send_signal(descriptor, signal, nil, 0)
            awaitReadable(descriptor, until: .now + grace)
            close(descriptor)
        }
        for pid in all() {
            guard let descriptor = open(pid) else { continue }
            // Between the look and the opening the number may have changed hands.
            if matches(pid) {
                _ = pidfd_send_signal(descriptor, SIGKILL, nil, 0)
                awaitReadable(descriptor, until: .now + grace)
            }
            close(descriptor)
        }
    }

    func all() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = Int32(name), matches(pid) { found.append(pid) }
        }
        return found
    }

    private func matches(_ pid: Int32) -> Bool {
        guard readFile("/proc/\(pid)/comm")?.hasPrefix(program) == true else { return false }
        if let directory = readLink("/proc/\(pid)/cwd") { return directory == workingDirectory }
        return pid == pidFileProcess()
            && readFile("/proc/\(pid)/cmdline")?.contains(workingDirectory) == true
    }

    private func pidFileProcess() -> Int32? {
        guard let text = readFile(pidFile) else { return nil }
        return Int32(text.prefix { $0.isNumber })
    }

    private func open(_ pid: Int32) -> Int32? {
        let descriptor = pidfd_open(pid, 0)
        return descriptor >= 0 ? descriptor : nil
    }
}

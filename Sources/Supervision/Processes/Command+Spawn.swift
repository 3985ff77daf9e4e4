/// posix_spawn: no code of ours runs between fork and exec.

internal import CProcess
internal import Glibc

extension Command {
    /// The child's process number and the parent's end of its lifeline, if it has one.
    struct Spawned {
        let pid: Int32
        let lifeline: Int32?
    }

    /// Starts the program, in a process group of its own: a Ctrl-C at the terminal is for the
    /// supervisor alone, which then lets its children finish.
    func spawn() throws(SystemFailure) -> Spawned {
        restoreChildStatus()
        let input = try openInput()
        defer { close(input.read) }
        var keepLifeline = false
        defer { if let write = input.write, !keepLifeline { close(write) } }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var duplicates: [Int32] = []
        defer { for duplicate in duplicates { close(duplicate) } }
        try add(to: &actions, input: input.read, duplicates: &duplicates)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        setAttributes(&attributes)

        var pid: pid_t = 0
        let code = withCStrings([name ?? path] + arguments) { arguments in
            guard let environment else {
                return posix_spawn(
                    &pid, path, &actions, &attributes, arguments, trunkline_environment())
            }
            return withCStrings(environment.map { "\($0.key)=\($0.value)" }) {
                posix_spawn(&pid, path, &actions, &attributes, arguments, $0)
            }
        }
        guard code == 0 else { throw SystemFailure("start \(path)", code: code) }
        if case .text(let text) = self.input, let write = input.write {
            var text = text
            text.withUTF8 { bytes in
                _ = uninterrupted { Glibc.write(write, bytes.baseAddress, bytes.count) }
            }
        }
        keepLifeline = self.input == .lifeline
        return Spawned(pid: pid, lifeline: keepLifeline ? input.write : nil)
    }

    private func openInput() throws(SystemFailure) -> (read: Int32, write: Int32?) {
        switch input {
        case .empty:
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard null >= 0 else { throw SystemFailure("open /dev/null") }
            return (null, nil)
        case .lifeline:
            // No pipe: a nudge to a child that has just died would be a SIGPIPE.
            var ends: [Int32] = [-1, -1]
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
                throw SystemFailure("socketpair")
            }
            return (ends[0], ends[1])
        case .text:
            var ends: [Int32] = [-1, -1]
            guard pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemFailure("pipe") }
            return (ends[0], ends[1])
        }
    }

    private func add(
        to actions: inout posix_spawn_file_actions_t, input: Int32, duplicates: inout [Int32]
    ) throws(SystemFailure) {
        // The sources go above every target first: a source may carry the number of a target.
        let limit = Self.firstInherited + Int32(inherited.count)
        var sources: [Int32] = []
        for source in [input] + inherited {
            let duplicate = fcntl(source, F_DUPFD_CLOEXEC, limit)
            guard duplicate >= 0 else { throw SystemFailure("duplicate descriptor \(source)") }
            duplicates.append(duplicate)
            sources.append(duplicate)
        }
        posix_spawn_file_actions_adddup2(&actions, sources[0], STDIN_FILENO)
        if case .appended(let file) = output {
            posix_spawn_file_actions_addopen(
                &actions, STDOUT_FILENO, file, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        }
        for (index, source) in sources.dropFirst().enumerated() {
            posix_spawn_file_actions_adddup2(
                &actions, source, Self.firstInherited + Int32(index))
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, limit)
        if let workingDirectory {
            posix_spawn_file_actions_addchdir_np(&actions, workingDirectory)
        }
    }

    /// No signal blocked, none ignored, whatever the parent does with its own.
    private func setAttributes(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    }
}

/// A parent that ignores SIGCHLD (it is inherited, for instance from a cron job) would have the
/// kernel reap the children itself and lose how they ended.
private func restoreChildStatus() {
    var current = sigaction()
    sigaction(SIGCHLD, nil, &current)
    if unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self)
        == unsafeBitCast(SIG_IGN, to: Int.self)
    {
        signal(SIGCHLD, SIG_DFL)
    }
}

private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}

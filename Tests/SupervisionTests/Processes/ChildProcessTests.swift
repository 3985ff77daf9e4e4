import Glibc
import Supervision
import Testing

@Suite(.timeLimit(.minutes(5))) struct ChildProcessTests {
    let scratch = Scratch()

    private func shell(
        _ script: String, input: Command.Input = .empty, inherited: [Int32] = []
    ) -> Command {
        Command(
            path: "/bin/sh", arguments: ["-c", script], input: input,
            output: .appended(to: scratch.file("out")), inherited: inherited)
    }

    @Test(arguments: [
        ("exit 0", ProcessExit.exited(0)), ("exit 7", .exited(7)), ("exit 255", .exited(255)),
        ("kill -SEGV $$", .killed(signal: SIGSEGV)), ("kill -KILL $$", .killed(signal: SIGKILL)),
    ])
    func `how it ended is known, however often one asks`(script: String, exit: ProcessExit) throws {
        let child = try ChildProcess(shell(script))
        #expect(child.wait() == exit)
        #expect(child.wait() == exit)
        #expect(child.wait(atMost: .zero) == exit)
        #expect(!exists(child.pid))
    }

    @Test func `an end is awaited without a thread`() async throws {
        let children = try (0..<20).map { code in
            try ChildProcess(shell("read line; exit \(code)", input: .lifeline))
        }
        async let exits = withTaskGroup(of: ProcessExit.self) { group in
            for child in children { group.addTask { await child.exit() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for child in children { child.closeLifeline() }
        for (code, child) in children.enumerated() { #expect(child.wait() == .exited(Int32(code))) }
        #expect(await exits.count == 20)
        #expect(await children[3].exit() == .exited(3), "also when it has long been over")
    }

    @Test(arguments: [
        (ProcessExit.killed(signal: SIGSEGV), true), (.killed(signal: SIGABRT), true),
        (.killed(signal: SIGKILL), false), (.killed(signal: SIGTERM), false),
        (.exited(139), false),
    ])
    func `a fault is a signal that a program raises itself`(exit: ProcessExit, isFault: Bool) {
        #expect(exit.isFault == isFault)
    }

    @Test func `the end is told in words`() {
        #expect(ProcessExit.exited(3).description == "exited with code 3")
        #expect(
            ProcessExit.killed(signal: SIGSEGV).description
                == "was killed by signal 11 (Segmentation fault)")
    }

    @Test func `waiting is bounded`() throws {
        let child = try ChildProcess(Command(path: "/bin/cat", input: .lifeline))
        #expect(child.wait(atMost: .milliseconds(20)) == nil)
        #expect(child.isRunning)
        child.closeLifeline()
        #expect(child.wait() == .exited(0))
    }

    @Test func `one that ignores the request is killed`() throws {
        let child = try ChildProcess(shell("trap '' TERM; echo; while :; do read x; done"))
        try eventually { contents(of: scratch.file("out")) == "" && exists(child.pid) }
        #expect(child.terminate(grace: .milliseconds(50)).description.contains("signal"))
    }

    @Test func `a forgotten child is killed and reaped`() throws {
        let pid = try ChildProcess(Command(path: "/bin/sleep", arguments: ["1000"])).pid
        #expect(!exists(pid))
    }

    @Test func `a sibling does not keep a lifeline open`() throws {
        let first = try ChildProcess(Command(path: "/bin/cat", input: .lifeline))
        let second = try ChildProcess(Command(path: "/bin/cat", input: .lifeline))
        first.closeLifeline()
        #expect(first.wait() == .exited(0))
        #expect(second.isRunning)
    }

    @Test func `it inherits what it is given, as 3 and 4, and nothing else`() throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)  // Not close-on-exec.
        defer { for end in ends { close(end) } }
        let one = open("/dev/full", O_RDONLY)
        let two = open("/dev/zero", O_RDONLY)
        defer {
            close(one)
            close(two)
        }
        let script = """
            for fd in 0 3 4; do readlink /proc/$$/fd/$fd; done
            ls /proc/$$/fd
            """
        // Swapped, and with numbers that are each other's or their own targets.
        #expect(try ChildProcess(shell(script, inherited: [two, one])).wait() == .exited(0))
        #expect(
            contents(of: scratch.file("out")).split(separator: "\n") == [
                "/dev/null", "/dev/zero", "/dev/full", "0", "1", "2", "3", "4",
            ])
    }

    @Test func `it leads a process group and has no signal blocked or ignored`() throws {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        defer { pthread_sigmask(SIG_UNBLOCK, &set, nil) }
        let child = try ChildProcess(
            Command(
                path: "/usr/bin/grep",
                arguments: ["-E", "Sig(Blk|Ign)|NSpgid", "/proc/self/status"],
                output: .appended(to: scratch.file("out"))))
        #expect(child.wait() == .exited(0))
        let lines = contents(of: scratch.file("out"))
        #expect(lines.contains("SigBlk:\t0000000000000000"))
        // 32 and 33 are glibc's own.
        #expect(lines.contains(/SigIgn:\t0000000[01]80000000|SigIgn:\t0000000000000000/))
        #expect(lines.contains("NSpgid:\t\(child.pid)"))
    }

    @Test func `environment, directory, name and text reach it`() throws {
        var command = shell(#"echo "$A|$0|$PWD|$HOME|$(cat)""#, input: .text("some text\n"))
        command.environment = ["A": "1", "PATH": "/bin:/usr/bin"]
        command.workingDirectory = scratch.path
        command.arguments.append("zero")
        #expect(try ChildProcess(command).wait() == .exited(0))
        #expect(contents(of: scratch.file("out")) == "1|zero|\(scratch.path)||some text")
    }

    @Test func `a program that is not there is an error, not a dead child`() {
        #expect(throws: SystemFailure.self) {
            try ChildProcess(Command(path: "/nonexistent/program", input: .lifeline))
        }
    }
}

import DeliveryCore
import Glibc
import Logging
import Scoreboard
import Supervision
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(5))) struct WorkerPoolTests {
    let scratch = Scratch()

    /// A pool of shell scripts, and the deaths and crashes it tells of.
    private struct Fixture {
        let pool: WorkerPool
        var deaths: AsyncStream<Incarnation>.Iterator
        var crashes: AsyncStream<WorkerCrash>.Iterator
    }

    private func makeFixture(count: Int = 1, _ script: String) throws -> Fixture {
        let (deaths, died) = AsyncStream.makeStream(of: Incarnation.self)
        let (crashes, crashed) = AsyncStream.makeStream(of: WorkerCrash.self)
        let plan = WorkerPlan(
            count: count, program: "/bin/sh", name: "worker",
            arguments: { slot, incarnation in
                ["-c", script, "worker", "\(slot)", incarnation.rawValue]
            },
            environment: ["PATH": "/bin:/usr/bin", "DIR": scratch.path],
            onDeath: { died.yield($0) }, onCrash: { crashed.yield($0) })
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return Fixture(
            pool: try WorkerPool(plan, log: log), deaths: deaths.makeAsyncIterator(),
            crashes: crashes.makeAsyncIterator())
    }

    /// Opens a FIFO that a script reads from: the script goes on.
    private func release(_ fifo: String) throws {
        let descriptor = open(scratch.file(fifo), O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        close(descriptor)
    }

    @Test func `a worker that dies is told of and started again under another name`() async throws {
        var fixture = try makeFixture("exit 3")
        await fixture.pool.start()
        var seen: Set<Incarnation> = []
        for _ in 0..<3 { seen.insert(try #require(await fixture.deaths.next())) }
        #expect(seen.count == 3)
        #expect(await fixture.pool.status().metrics[.workerDeaths(.exited)] >= 3)
        #expect(await fixture.pool.drain(deadline: .seconds(10)) == 0)
    }

    @Test func `workers that honour their lifeline drain, and stay away`() async throws {
        var fixture = try makeFixture(count: 3, "cat")
        await fixture.pool.start()
        let pids = await fixture.pool.status().workers.compactMap(\.pid)
        #expect(pids.count == 3)
        #expect(await fixture.pool.drain(deadline: .seconds(30)) == 0)
        for pid in pids { #expect(!exists(pid)) }
        for _ in 0..<3 { #expect(await fixture.deaths.next() != nil) }
        let status = await fixture.pool.status()
        #expect(status.workers.allSatisfy { $0.pid == nil })
        #expect(status.metrics[.workerDeaths(.exited)] == 0, "they were asked to")
    }

    @Test func `the others hear of a death at once`() async throws {
        var fixture = try makeFixture(
            count: 2,
            """
            if [ "$1" = 0 ]; then [ -e "$DIR/dead" ] || { : >"$DIR/dead"; exit 3; }; exec cat; fi
            read nudge && : >"$DIR/heard"; exec cat
            """)
        await fixture.pool.start()
        _ = await fixture.deaths.next()
        while access(scratch.file("heard"), F_OK) != 0 { await Task.yield() }
        #expect(await fixture.pool.drain(deadline: .seconds(30)) == 0)
    }

    @Test func `what outlives the deadline is killed`() async throws {
        let fixture = try makeFixture(count: 2, #"[ "$1" = 0 ] && exec cat; exec sleep 1000"#)
        await fixture.pool.start()
        let pids = await fixture.pool.status().workers.compactMap(\.pid)
        #expect(await fixture.pool.drain(deadline: .milliseconds(300)) == 1)
        for pid in pids { #expect(!exists(pid)) }
    }

    @Test(arguments: [
        ("SEGV", SIGSEGV, true), ("ABRT", SIGABRT, true), ("BUS", SIGBUS, true),
        ("KILL", SIGKILL, false), ("TERM", SIGTERM, false),
    ])
    func `a fault is put down to what was in hand, a kill is not`(
        name: String, signal: Int32, isCrash: Bool
    ) async throws {
        mkfifo(scratch.file("go"), 0o600)
        // Once: the next life stays.
        var fixture = try makeFixture(
            #"mkdir "$DIR/first" 2>&- || exec cat; read x < "$DIR/go"; kill -\#(name) $$"#)
        await fixture.pool.start()
        let incarnation = await fixture.pool.status().workers[0].incarnation
        let slot = try ScoreboardSlot(
            descriptor: fixture.pool.board.descriptor, slot: 0, incarnation: incarnation)
        let item = WorkItem.activity(ActivityID(day: 20_000, sequence: 7))
        slot.enter(.parse, item)
        try release("go")

        #expect(await fixture.deaths.next() == incarnation)
        if isCrash {
            let crash = try #require(await fixture.crashes.next())
            #expect(crash.incarnation == incarnation)
            #expect(crash.signal == signal)
            #expect(crash.stage == .parse)
            #expect(crash.item == item)
        }
        let metrics = await fixture.pool.status().metrics
        #expect(metrics[.workerDeaths(isCrash ? .crashed : .killed)] == 1)
        #expect(metrics[.workerDeaths(isCrash ? .killed : .crashed)] == 0)
        await fixture.pool.drain(deadline: .seconds(30))
    }

    @Test func `a crash is told before what the dead one owned is given away`() async throws {
        mkfifo(scratch.file("go"), 0o600)
        let (told, tell) = AsyncStream.makeStream(of: String.self)
        let (recorded, record) = AsyncStream.makeStream(of: Void.self)
        let plan = WorkerPlan(
            count: 1, program: "/bin/sh", name: "worker",
            arguments: { [path = scratch.path] _, _ in
                let script = "mkdir $0/first 2>&- || exec cat; read x < $0/go; kill -SEGV $$"
                return ["-c", script, path]
            },
            onDeath: { _ in tell.yield("death") },
            onCrash: { _ in
                tell.yield("crash")
                for await _ in recorded { return }
            })
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = try WorkerPool(plan, log: log)
        await pool.start()
        let slot = try ScoreboardSlot(
            descriptor: pool.board.descriptor, slot: 0,
            incarnation: await pool.status().workers[0].incarnation)
        slot.enter(.sign, .activity(ActivityID(day: 20_000, sequence: 7)))
        try release("go")
        var tellings = told.makeAsyncIterator()
        #expect(await tellings.next() == "crash")
        // The next one starts meanwhile; leases are still those of the dead.
        while await pool.status().workers[0].pid == nil { await Task.yield() }
        record.yield()
        #expect(await tellings.next() == "death")
        await pool.drain(deadline: .seconds(30))
    }

    @Test func `what a dead worker had counted still counts, its gauges do not`() async throws {
        mkfifo(scratch.file("go"), 0o600)
        var fixture = try makeFixture(
            #"mkdir "$DIR/first" 2>&- || exec cat; read x < "$DIR/go"; exit 1"#)
        await fixture.pool.start()
        let slot = try ScoreboardSlot(
            descriptor: fixture.pool.board.descriptor, slot: 0,
            incarnation: Incarnation(rawValue: "one"))
        var metrics = Metrics()
        metrics.increment(.fenced, by: 5)
        metrics.set(.inFlight, to: 9)
        metrics.set(.redisUp, to: 1)
        slot.publish(metrics, state: .ready, at: Instant(nanoseconds: 1))
        let before = await fixture.pool.status()
        #expect(before.isReady)
        #expect(before.metrics[.inFlight] == 9)
        #expect(before.metrics[.workers(.ready)] == 1)

        try release("go")
        #expect(await fixture.deaths.next() != nil)
        let after = await fixture.pool.status()
        #expect(!after.isReady)
        #expect(after.metrics[.fenced] == 5)
        #expect(after.metrics[.inFlight] == 0)
        #expect(after.metrics[.workers(.absent)] == 1)
        await fixture.pool.drain(deadline: .seconds(30))
    }

    @Test(arguments: [
        (ProcessExit.killed(signal: SIGSEGV), Stage.parse, true),
        (.killed(signal: SIGSEGV), .idle, false), (.killed(signal: SIGKILL), .parse, false),
        (.exited(139), .parse, false),
    ])
    func `only a fault with something in hand is a crash of something`(
        exit: ProcessExit, stage: Stage, isCrash: Bool
    ) {
        let reading = SlotReading(
            pid: 1, incarnation: Incarnation(rawValue: "a"), state: .ready,
            heartbeat: Instant(nanoseconds: 0), stage: stage, item: nil, metrics: Metrics())
        let crash = WorkerCrash(3, reading.incarnation, exit, reading)
        #expect((crash != nil) == isCrash)
        #expect(crash?.slot ?? 3 == 3)
    }

    @Test func `workers find the scoreboard under its number, and their names`() async throws {
        var fixture = try makeFixture(
            #"head -c 8 <&\#(WorkerPlan.scoreboardDescriptor) > "$DIR/magic"; "#
                + #"echo "$1 $2" > "$DIR/arguments"; exit 1"#)
        await fixture.pool.start()
        let incarnation = try #require(await fixture.deaths.next())
        await fixture.pool.drain(deadline: .seconds(30))
        #expect(contents(of: scratch.file("magic")) == "ROBKNURT")
        #expect(contents(of: scratch.file("arguments")).hasPrefix("0 0-"))
        #expect(incarnation.rawValue.wholeMatch(of: /0-[0-9a-f]{24}/) != nil)
    }

    @Test func `a drain before the start starts nothing`() async throws {
        let fixture = try makeFixture("cat")
        #expect(await fixture.pool.drain(deadline: .seconds(1)) == 0)
        await fixture.pool.start()
        #expect(await fixture.pool.status().workers[0].pid == nil)
    }
}

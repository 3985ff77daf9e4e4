internal import Bench
internal import Glibc

/// CPU and memory of all processes of a benchmark at one moment.
struct ProcessUse {
    /// Seconds so far, by kind.
    private(set) var cpu: [String: Double] = [:]
    /// Bytes that are resident, by name.
    private(set) var memory: [String: Int] = [:]

    /// Of a pool with servers of its own, and the sink.
    init(pool: Int32, sink: Int32) {
        var known: [Int32: ProcessStatus] = [:]
        for process in Self.all() { known[process] = Self.status(process) }
        add(pool, .supervisor, known[pool])
        for process in ProcessTree.below(pool, parents: known.mapValues(\.parent)) {
            switch known[process]?.name {
            case "redis-server": add(process, .redis, known[process])
            case "postgres": add(process, .postgres, known[process])
            default: add(process, .worker, known[process], as: Self.workerName(process))
            }
        }
        addOurs(sink)
    }

    /// Of workers that others have started, and the sink.
    init(workers: [Int32], sink: Int32) {
        let known = workers.map(Self.status)
        // What one of them has used is gone with it: then there is no sum.
        if known.allSatisfy({ $0 != nil }) {
            for (place, process) in workers.enumerated() {
                add(process, .worker, known[place], as: "worker \(place + 1)")
            }
        }
        addOurs(sink)
    }

    private mutating func addOurs(_ sink: Int32) {
        add(sink, .sink, Self.status(sink))
        add(getpid(), .bench, Self.status(getpid()))
    }

    /// What is known of them otherwise.
    mutating func add(_ kind: ProcessKind, cpuSeconds: Double, residentBytes: Int? = nil) {
        cpu[kind.rawValue] = cpuSeconds
        if let residentBytes { memory[kind.rawValue] = residentBytes }
    }

    /// A process that ends meanwhile is counted by its parent from then on.
    private mutating func add(
        _ process: Int32, _ kind: ProcessKind, _ status: ProcessStatus?, as name: String? = nil
    ) {
        guard let status else { return }
        var time = timespec()
        // The clock of a process, threads that ended included, to the nanosecond: unlike stat.
        guard clock_gettime(~process << 3 | 2, &time) == 0 else { return }
        let ofItself = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        let ofTheDead = Double(status.ticksOfTheDead) / Double(sysconf(Int32(_SC_CLK_TCK)))
        // What this process has waited for itself, rm and the like, is none of the load's.
        cpu[kind.rawValue, default: 0] += ofItself + (kind == .bench ? 0 : ofTheDead)
        guard let pages = BenchFiles.text("/proc/\(process)/statm")?.split(separator: " "),
            pages.count > 1, let resident = Int(pages[1])
        else { return }
        memory[name ?? kind.rawValue, default: 0] += resident * sysconf(Int32(_SC_PAGESIZE))
    }

    private static func workerName(_ process: Int32) -> String? {
        argument("--slot", of: process).flatMap { Int($0) }.map { "worker \($0 + 1)" }
    }

    private static func status(_ process: Int32) -> ProcessStatus? {
        BenchFiles.text("/proc/\(process)/stat").flatMap(ProcessStatus.init)
    }

    /// What follows a flag on its command line.
    private static func argument(_ flag: String, of process: Int32) -> String? {
        let words = BenchFiles.text("/proc/\(process)/cmdline")?.split(separator: "\0") ?? []
        return words.firstIndex { $0 == flag }
            .flatMap { $0 + 1 < words.count ? String(words[$0 + 1]) : nil }
    }

    /// The processes of these incarnations, in their order; nil: not all are seen from here.
    static func workers(_ incarnations: [String]) -> [Int32]? {
        var found: [String: Int32] = [:]
        for process in all() {
            if let name = argument("--incarnation", of: process) { found[name] = process }
        }
        let processes = incarnations.compactMap { found[$0] }
        return processes.count == incarnations.count ? processes : nil
    }

    private static func all() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let process = Int32(name) { found.append(process) }
        }
        return found
    }
}

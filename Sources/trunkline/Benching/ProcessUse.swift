internal import Bench
internal import Glibc

/// CPU and memory of all processes of a benchmark at one moment.
struct ProcessUse {
    /// Seconds so far, by kind.
    private(set) var cpu: [String: Double] = [:]
    /// Bytes that are resident, by name.
    private(set) var memory: [String: Int] = [:]

    init(pool: Int32, sink: Int32) {
        var known: [Int32: ProcessStatus] = [:]
        for process in Self.all() {
            guard let text = BenchFiles.text("/proc/\(process)/stat") else { continue }
            known[process] = ProcessStatus(stat: text)
        }
        add(pool, .supervisor, known)
        add(sink, .sink, known)
        add(getpid(), .bench, known)
        for process in ProcessTree.below(pool, parents: known.mapValues(\.parent)) {
            switch known[process]?.name {
            case "redis-server": add(process, .redis, known)
            case "postgres": add(process, .postgres, known)
            default: add(process, .worker, known)
            }
        }
    }

    /// A process that ends meanwhile is counted by its parent from then on.
    private mutating func add(
        _ process: Int32, _ kind: ProcessKind, _ known: [Int32: ProcessStatus]
    ) {
        guard let status = known[process] else { return }
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
        memory[name(process, kind), default: 0] += resident * sysconf(Int32(_SC_PAGESIZE))
    }

    private func name(_ process: Int32, _ kind: ProcessKind) -> String {
        guard kind == .worker, let line = BenchFiles.text("/proc/\(process)/cmdline") else {
            return kind.rawValue
        }
        let words = line.split(separator: "\0")
        guard let flag = words.firstIndex(of: "--slot"), flag + 1 < words.count,
            let slot = Int(words[flag + 1])
        else { return kind.rawValue }
        return "worker \(slot + 1)"
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

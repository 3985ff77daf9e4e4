internal import Bench
internal import Glibc
internal import Supervision
internal import Transport

/// What figures depend on beside the program: the machine, and what else runs on it.
enum MachineFacts {
    static var machine: BenchResult.Machine {
        var names = utsname()
        uname(&names)
        let kernel = withUnsafeBytes(of: names.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return BenchResult.Machine(
            processor: value("model name", in: "/proc/cpuinfo", behind: ":") ?? "unknown",
            processors: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            memoryBytes: Int(sysconf(Int32(_SC_PHYS_PAGES)))
                * Int(sysconf(Int32(_SC_PAGESIZE))),
            system: value("PRETTY_NAME", in: "/etc/os-release", behind: "=") ?? "unknown",
            kernel: kernel)
    }

    /// Of this program, and of the libraries that it delivers with.
    static var versions: [String: String] {
        var versions = ["trunkline": TrunklineVersion.current]
        for library in TransportLibraries.versions.split(separator: " ") {
            let parts = library.split(separator: "/", maxSplits: 1)
            if parts.count == 2, ["libcurl", "OpenSSL"].contains(parts[0]) {
                versions[String(parts[0])] = String(parts[1])
            }
        }
        return versions
    }

    /// Of the work tree that this program was built in, if it lies in one and there is a git.
    static func commit(scratch: String) -> String? {
        guard let program = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(program) }
        let directory = String(cString: program).split(separator: "/").dropLast()
            .joined(separator: "/")
        let file = "\(scratch)/commit"
        let git = try? ChildProcess(
            Command(
                path: "/usr/bin/git",
                arguments: ["-C", "/\(directory)", "describe", "--always", "--dirty"],
                output: .appended(to: file)))
        guard git?.wait(atMost: .seconds(30)) == .exited(0) else { return nil }
        return BenchFiles.text(file).map { String($0.prefix { !$0.isNewline }) }
    }

    /// RFC 3339.
    static var date: String {
        var (now, parts) = (time(nil), tm())
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func value(_ name: String, in file: String, behind mark: Character) -> String? {
        let line = BenchFiles.text(file)?.split(separator: "\n").first { $0.hasPrefix(name) }
        guard let line, let place = line.firstIndex(of: mark) else { return nil }
        return String(line[line.index(after: place)...].drop { $0 == " " }.filter { $0 != "\"" })
    }
}

/// The least that a program could do for a delivery: sign what is at hand, and have libcurl post it.
///
/// No queue, no record, no retries, no limits, and no choice of what goes next. What it spends is
/// what `benchmarks/cpu` holds Trunkline against.

internal import Glibc

@main
struct Floor {
    /// Once its connections are open it says `ready`. Each line of standard input then names files,
    /// separated by blanks; every inbox gets each of them, and one line of JSON says what that took.
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptorLimit()
        let flags = Flags(CommandLine.arguments)
        let inboxes = String(decoding: contents(flags["inboxes"]), as: UTF8.self)
            .split(separator: "\n").map { Inbox(url: String($0), shards: Poster.shardCount) }
        let poster = Poster(
            inboxes: inboxes, signer: Signer(pem: contents(flags["pem"])),
            keyID: flags["key-id"], userAgent: flags["user-agent"], authorities: flags["ca"],
            slots: Int(flags["slots"]) ?? 1_000)
        say("ready")
        while let line = readLine() {
            say(poster.post(line.split(separator: " ").map { Body(contents(String($0))) }).json)
        }
    }

    /// One line, at once: somebody waits for it.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }
}

/// `--name value`, all of them required.
struct Flags {
    private var values: [String: String] = [:]

    init(_ words: [String]) {
        for index in stride(from: 1, to: words.count - 1, by: 2) {
            values[String(words[index].drop { $0 == "-" })] = words[index + 1]
        }
    }

    subscript(name: String) -> String {
        guard let value = values[name] else { stop("--\(name) VALUE is missing") }
        return value
    }
}

func contents(_ file: String) -> [UInt8] {
    guard let stream = fopen(file, "r") else {
        stop("\(file): \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 {
        bytes += chunk.prefix(count)
    }
    return bytes
}

func stop(_ why: String) -> Never {
    complain(why)
    exit(1)
}

func complain(_ what: String) {
    let line = Array("floor: \(what)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

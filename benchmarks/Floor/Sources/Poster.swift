internal import CCurl
internal import CEpoll
internal import Glibc

/// All hosts on sharded multi handles, one epoll, and as many transfers at once as there are slots.
final class Poster {
    /// libcurl walks all connections of a multi handle at every completion.
    static let shardCount = 32

    /// What one line of standard input took.
    struct Pass {
        var deliveries = 0
        /// Answered 2xx.
        var accepted = 0
        var failed = 0
        var connects = 0
        var mostInFlight = 0
        var cpuMicroseconds = 0
        var wallMicroseconds = 0

        var json: String {
            "{\"deliveries\":\(deliveries),\"accepted\":\(accepted),\"failed\":\(failed),"
                + "\"connects\":\(connects),\"mostInFlight\":\(mostInFlight),"
                + "\"cpuMicroseconds\":\(cpuMicroseconds),\"wallMicroseconds\":\(wallMicroseconds)}"
        }
    }

    let signer: Signer
    var sockets = Sockets()
    private let inboxes: [Inbox]
    private var shards: [Shard] = []
    /// Holds what libcurl points at.
    private var slots: [Slot] = []
    private var unused: [Slot] = []
    private var date = DateLine()
    private var pass = Pass()
    private var lastFailure = ""

    init(
        inboxes: [Inbox], signer: Signer, keyID: String, userAgent: String, authorities: String,
        slots: Int
    ) {
        self.inboxes = inboxes
        self.signer = signer
        curl_global_init(Int(CURL_GLOBAL_ALL))
        shards = (0..<Self.shardCount).map { Shard(poster: self, number: $0) }
        self.slots = (0..<slots).map { _ in
            Slot(poster: self, keyID: keyID, userAgent: userAgent, authorities: authorities)
        }
        unused = self.slots
    }

    /// Posts every body to every inbox, and returns when all are answered.
    func post(_ bodies: [Body]) -> Pass {
        pass = Pass(deliveries: bodies.count * inboxes.count)
        let lines = bodies.map { strdup("Digest: " + $0.digest) }
        defer { lines.forEach { Glibc.free($0) } }
        let (cpu, wall) = (Self.cpuMicroseconds, Self.wallMicroseconds)
        var next = 0
        var events = [epoll_event](repeating: epoll_event(), count: slots.count)
        while pass.accepted + pass.failed < pass.deliveries {
            while next < pass.deliveries, let slot = unused.popLast() {
                let number = next / inboxes.count
                date.refresh()
                let inbox = inboxes[next % inboxes.count]
                guard let line = lines[number] else { stop("no memory") }
                slot.prepare(
                    inbox, bodies[number], digestLine: line, date: date.text, signer: signer)
                shards[inbox.shard].add(slot)
                next += 1
            }
            pass.mostInFlight = max(pass.mostInFlight, slots.count - unused.count)
            wait(&events)
        }
        pass.cpuMicroseconds = Self.cpuMicroseconds - cpu
        pass.wallMicroseconds = Self.wallMicroseconds - wall
        if pass.failed > 0 { complain("\(pass.failed) failed: \(lastFailure)") }
        return pass
    }

    private func wait(_ events: inout [epoll_event]) {
        let due = shards.compactMap(\.deadline).min()
        let timeout = due.map { max(0, ($0 - Self.wallMicroseconds + 999) / 1_000) } ?? -1
        let count = epoll_wait(sockets.epoll, &events, Int32(events.count), Int32(timeout))
        for event in events.prefix(Int(max(count, 0))) {
            guard let shard = sockets.shard(of: event.data.fd) else { continue }
            shards[shard].act(on: event.data.fd, event.events)
        }
        if due != nil {
            let now = Self.wallMicroseconds
            for shard in shards where shard.deadline.map({ $0 <= now }) ?? false {
                shard.timeOut()
            }
        }
    }

    func finished(_ slot: Slot, _ code: CURLcode) {
        var status = 0, connects = 0
        trunkline_curl_get_long(slot.easy, CURLINFO_RESPONSE_CODE, &status)
        trunkline_curl_get_long(slot.easy, CURLINFO_NUM_CONNECTS, &connects)
        pass.connects += connects
        if code == CURLE_OK, (200..<300).contains(status) {
            pass.accepted += 1
        } else {
            pass.failed += 1
            lastFailure = "\(String(cString: curl_easy_strerror(code))), status \(status)"
        }
        unused.append(slot)
    }

    private static var cpuMicroseconds: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    static var wallMicroseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    }
}

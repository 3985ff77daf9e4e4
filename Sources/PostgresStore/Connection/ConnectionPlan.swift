/// What of a connection string libpq leaves to us where nobody waits: several hosts, and a limit of
/// time.
///
/// `PQconnectPoll` heeds no `connect_timeout` (manual 34.1, PQconnectStartParams), so a host that
/// swallows packets would keep it from the next one for ever. We give the attempt up, and the next
/// one begins with the host after it.

internal import CPostgres

struct ConnectionPlan {
    private let hosts: [Substring]
    private let addresses: [Substring]
    private let ports: [Substring]
    /// Of one attempt, if the string says so.
    let timeout: Duration?

    init(_ connectionString: String) {
        var given: [String: String] = [:]
        if let options = PQconninfoParse(connectionString, nil) {
            defer { PQconninfoFree(options) }
            var option = options
            while let keyword = option.pointee.keyword {
                if let value = option.pointee.val {
                    given[String(cString: keyword)] = String(cString: value)
                }
                option += 1
            }
        }
        func list(_ keyword: String) -> [Substring] {
            given[keyword]?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        }
        hosts = list("host")
        addresses = list("hostaddr")
        ports = list("port")
        let seconds = given["connect_timeout"].flatMap { Int($0) } ?? 0
        timeout = seconds > 0 ? .seconds(seconds) : nil
    }

    var hostCount: Int { max(hosts.count, addresses.count, 1) }

    /// What stands in for the string's own lists, so that this host is the first; none for one host.
    func overrides(startingAt start: Int) -> [(keyword: String, value: String)] {
        guard hostCount > 1, start % hostCount > 0 else { return [] }
        return [("host", hosts), ("hostaddr", addresses), ("port", ports)].compactMap {
            // One port stands for all hosts.
            guard $1.count == hostCount else { return nil }
            let start = start % hostCount
            return (keyword: $0, value: ($1[start...] + $1[..<start]).joined(separator: ","))
        }
    }
}

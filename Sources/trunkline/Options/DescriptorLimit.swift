internal import Glibc

/// How many files and sockets this process may have open (RLIMIT_NOFILE).
struct DescriptorLimit {
    /// In force now.
    let soft: UInt64
    /// Up to here the process may raise it itself.
    let hard: UInt64

    /// For a worker's own files, for Redis, PostgreSQL and name lookups.
    private static let reserve: UInt64 = 512
    /// With connections to 8,192 hosts, more than most servers know.
    static let comfortable: UInt64 = 8_192 + reserve
    /// With fewer, a worker reconnects where it should reuse: a TLS connection costs three times
    /// the CPU of a signature.
    static let least: UInt64 = 1_024

    static var current: DescriptorLimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    }

    /// Up to which a worker keeps idle connections open, counting those in use. Above it there is
    /// room for as many transfers as it may have under way; where there is not, for half as many
    /// connections as there are descriptors.
    func connections(slots: Int) -> Int {
        let usable = Int(clamping: soft) - Int(Self.reserve)
        return max(usable - slots, usable / 2, 1)
    }

    /// Raises the soft limit to the hard one; children inherit it.
    static func raise() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }
}

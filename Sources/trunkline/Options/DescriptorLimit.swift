internal import Glibc

/// How many files and sockets this process may have open (RLIMIT_NOFILE).
struct DescriptorLimit {
    /// In force now.
    let soft: UInt64
    /// Up to here the process may raise it itself.
    let hard: UInt64

    /// A worker keeps up to 64 x 128 connections open; the rest is for its own files, for Redis,
    /// PostgreSQL and name lookups.
    static let comfortable: UInt64 = 64 * 128 + 512
    /// With fewer, a worker reconnects where it should reuse: a TLS connection costs three times
    /// the CPU of a signature.
    static let least: UInt64 = 1_024

    static var current: DescriptorLimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
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

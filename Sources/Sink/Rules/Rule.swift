/// One entry of the rules: which requests, how many of them, and the answer.
struct Rule: Equatable, Sendable {
    /// The host name, lower case, without port.
    var host: GlobPattern
    /// The path without query; nil: any.
    var path: GlobPattern?
    /// Only the first so many requests of each host.
    var times: Int?
    /// Only this share of a host's requests, drawn by `seed`, the host and the request's number:
    /// the same run again draws the same, however the hosts interleave.
    var probability: Double?
    var seed: UInt64 = 0
    /// More at once from one host are answered 429.
    var maximumConcurrent: Int?
    /// More in a second at one host (a bucket of one second's worth) are answered 429 with
    /// `Retry-After`.
    var requestsPerSecond: Double?
    var answer = Answer()
}

internal import Glibc

/// Followers spread over hosts by rank: the k-th host has a share of k to the power of -exponent.
package enum Zipf {
    /// How many each host has: one at least, together `total`.
    ///
    /// What rounding down leaves goes to the largest remainders, the lower rank first.
    package static func counts(total: Int, over hosts: Int, exponent: Double) -> [Int] {
        let weights = (1...hosts).map { pow(Double($0), -exponent) }
        let sum = weights.reduce(0, +)
        let spread = total - hosts
        let shares = weights.map { $0 / sum * Double(spread) }
        var counts = shares.map { 1 + Int($0) }
        let left = total - counts.reduce(0, +)
        let byRemainder = shares.indices.sorted {
            let (one, other) = (
                shares[$0] - shares[$0].rounded(.down),
                shares[$1] - shares[$1].rounded(.down)
            )
            return one == other ? $0 < $1 : one > other
        }
        for place in byRemainder.prefix(max(left, 0)) { counts[place] += 1 }
        return counts
    }
}

internal import Glibc

/// The chance of a run: SplitMix64, so that one seed is one run on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0, not 1.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Time to the next arrival of a Poisson process, in seconds.
    package mutating func gap(rate: Double) -> Double { -log(1 - unit()) / rate }

    /// Modulo: its bias is below 2^-40 for the numbers here.
    package mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// A place in a list of weights, each as likely as it is heavy.
    package mutating func place(in weights: [Double]) -> Int {
        var left = unit() * weights.reduce(0, +)
        for (place, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return place }
        }
        return weights.count - 1
    }
}

internal import CAllocations

/// What the counted stretches of a run took together.
struct Meter {
    private(set) var counts = micro_counts()
    /// Off it only runs what it is given: what is met for the first time costs more.
    let isOn: Bool

    /// Runs it, and counts what it takes: CPU time of this thread, and allocations.
    ///
    /// Through C, so that callgrind knows the stretch by a name. It costs 0.5 us, two looks at a clock
    /// of the kernel: hence once for many operations.
    mutating func count(if isCounted: Bool = true, _ body: () -> Void) {
        guard isOn, isCounted else { return body() }
        withoutActuallyEscaping(body) { body in
            var closure = body
            withUnsafeMutablePointer(to: &closure) { pointer in
                micro_count(
                    { context in context?.assumingMemoryBound(to: (() -> Void).self).pointee() },
                    pointer, &counts)
            }
        }
    }
}

/// Keeps the optimiser from leaving out what makes the value.
@inline(__always)
func consume<Value>(_ value: Value) {
    withUnsafePointer(to: value) { micro_consume($0) }
}

/// Finds the bad rows of a batch: halves what is rejected until it is single rows.
///
/// A batch with one bad row of n costs about 2 log2 n transactions more, and all others are
/// written. Nothing is tried twice that PostgreSQL has taken.
struct Bisection: Equatable {
    private var pending: [Range<Int>]

    init(count: Int) { pending = count == 0 ? [] : [0..<count] }

    /// The rows to try next; nil when all have had their answer.
    var next: Range<Int>? { pending.last }

    mutating func accepted() { pending.removeLast() }

    /// The one row that is to blame, or nil when its batch was cut in two.
    mutating func rejected() -> Int? {
        let range = pending.removeLast()
        guard range.count > 1 else { return range.lowerBound }
        let middle = range.lowerBound + range.count / 2
        pending.append(middle..<range.upperBound)
        pending.append(range.lowerBound..<middle)
        return nil
    }
}

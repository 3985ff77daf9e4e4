/// How long after an activity was stored its deliveries are tried, lane by lane.
///
/// An age, not a count: a host that was down for a day has used up none of it for the others, and
/// what nobody wants any more in an hour need not be tried for days.
package struct RetryBudget: Equatable, Sendable {
    package static let standard: Duration = .seconds(3 * 86_400)

    private var ages: [Duration]

    /// - Parameter age: of all lanes.
    package init(_ age: Duration = Self.standard) {
        ages = Array(repeating: age, count: Lane.allCases.count)
    }

    package subscript(lane: Lane) -> Duration {
        get { ages[Int(lane.rawValue)] }
        set { ages[Int(lane.rawValue)] = newValue }
    }
}

extension Duration {
    /// In the largest of hours, minutes and seconds that it is a whole number of.
    var inWords: String {
        let seconds = wholeMilliseconds / 1_000
        for (unit, length) in [("hour", 3_600), ("minute", 60)] as [(String, Int64)]
        where seconds > 0 && seconds % length == 0 {
            return "\(seconds / length) \(unit)\(seconds == length ? "" : "s")"
        }
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }
}

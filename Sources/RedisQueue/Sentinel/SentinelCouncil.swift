/// What the sentinels say, put together: whom to follow.
///
/// What more than half of them name is followed, whatever its epoch: a sentinel that is cut off with
/// the old primary goes on naming it, and sentinels that are set up anew (`SENTINEL MONITOR`) start
/// at epoch 0 again. After a failover the one that led it tells the others within a second.
///
/// Where so many cannot be heard, the newest epoch is followed, and an older one never is; nor is the
/// word of one that was outvoted for longer than a failover takes.
struct SentinelCouncil {
    /// Each is asked about once a second; sentinels tell each other every 2 s.
    private static let failoverAnswers = 5

    private struct Seat {
        /// nil: it is away, or knows nothing.
        var answer: SentinelAnswer?
        /// What it last said against the others, and how often.
        var outvoted: (answer: SentinelAnswer, times: Int)?

        var isOfThePast: Bool {
            outvoted.map { $0.answer == answer && $0.times >= failoverAnswers } ?? false
        }
    }

    private var seats: [Seat]
    private(set) var followed: SentinelAnswer?

    init(sentinels: Int) { seats = Array(repeating: Seat(), count: sentinels) }

    /// How many were heard and not lost since.
    var voices: Int { seats.count { $0.answer != nil } }

    /// A sentinel has answered; true when another primary is to be followed from now on.
    mutating func heard(_ answer: SentinelAnswer, from sentinel: Int) -> Bool {
        seats[sentinel].answer = answer
        let chosen: SentinelAnswer
        if let majority {
            noteVote(of: sentinel, against: majority)
            chosen = majority
        } else if let followed {
            guard answer.epoch > followed.epoch, !seats[sentinel].isOfThePast else { return false }
            chosen = answer
        } else {
            chosen = answer
        }
        defer { followed = chosen }
        return chosen.primary != followed?.primary
    }

    /// A sentinel is away, or knows nothing: what it said counts no more.
    mutating func lost(_ sentinel: Int) { seats[sentinel].answer = nil }

    /// Of the address that more than half of all sentinels name, the newest answer.
    private var majority: SentinelAnswer? {
        for candidate in seats.compactMap(\.answer) {
            let agreeing = seats.compactMap(\.answer).filter { $0.primary == candidate.primary }
            guard agreeing.count * 2 > seats.count else { continue }
            return agreeing.max { $0.epoch < $1.epoch }
        }
        return nil
    }

    private mutating func noteVote(of sentinel: Int, against majority: SentinelAnswer) {
        guard let answer = seats[sentinel].answer, answer.primary != majority.primary else {
            seats[sentinel].outvoted = nil
            return
        }
        let before = seats[sentinel].outvoted
        let times = before.map { $0.answer == answer ? $0.times : 0 } ?? 0
        seats[sentinel].outvoted = (answer, times + 1)
    }
}

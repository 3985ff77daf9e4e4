/// What the sentinels say, put together: whom to follow.
///
/// A sentinel that is cut off with the old primary goes on naming it. So a newer epoch wins, and an
/// older one never does, with one exception: when every sentinel says the same other address, they
/// were set up anew (`SENTINEL MONITOR` starts at epoch 0 again).
struct SentinelCouncil {
    private var answers: [SentinelAnswer?]
    private(set) var followed: SentinelAnswer?

    init(sentinels: Int) { answers = Array(repeating: nil, count: sentinels) }

    /// How many were heard and not lost since.
    var voices: Int { answers.count { $0 != nil } }

    /// A sentinel has answered; true when another primary is to be followed from now on.
    mutating func heard(_ answer: SentinelAnswer, from sentinel: Int) -> Bool {
        answers[sentinel] = answer
        guard let followed else {
            self.followed = answer
            return true
        }
        let isNewer = answer.epoch > followed.epoch
        guard isNewer || answers.allSatisfy({ $0?.primary == answer.primary }) else { return false }
        self.followed = answer
        return answer.primary != followed.primary
    }

    /// A sentinel is away, or knows nothing: what it said counts no more.
    mutating func lost(_ sentinel: Int) { answers[sentinel] = nil }
}

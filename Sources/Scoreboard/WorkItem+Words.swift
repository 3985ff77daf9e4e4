/// What is in hand, as it stands in the words of a slot.

internal import DeliveryCore

extension WorkItem {
    private enum Kind {
        static let nothing: UInt64 = 0
        static let activity: UInt64 = 1
        /// And the lane's number.
        static let entry: UInt64 = 2
    }

    /// No array: something comes into hand with every request.
    static func words(of item: WorkItem?) -> (UInt64, UInt64, UInt64) {
        switch item {
        case nil: (Kind.nothing, 0, 0)
        case .activity(let id): (Kind.activity, UInt64(bitPattern: id.rawValue), 0)
        case .entry(let reference):
            (
                Kind.entry + UInt64(reference.lane.rawValue), reference.id.milliseconds,
                reference.id.sequence
            )
        }
    }

    /// nil: there is nothing in hand, or words that no build of this layout writes.
    init?(words: [UInt64]) {
        switch words[0] {
        case Kind.activity: self = .activity(ActivityID(rawValue: Int64(bitPattern: words[1])))
        case Kind.entry...:
            guard let number = UInt8(exactly: words[0] - Kind.entry),
                let lane = Lane(rawValue: number)
            else { return nil }
            let id = StreamID(milliseconds: words[1], sequence: words[2])
            self = .entry(IntakeReference(lane: lane, id: id))
        default: return nil
        }
    }
}

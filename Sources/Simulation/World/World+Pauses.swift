internal import DeliveryCore

/// What operators can pause.
enum PauseSubject: Hashable {
    case lane(Lane)
    case sender(Int)
}

/// Lanes and senders that are paused for a while, and what workers hear of it.
extension World {
    /// As PostgreSQL has them.
    var controls: Controls {
        var controls = Controls()
        for (subject, pause) in pauses {
            switch subject {
            case .lane(let lane): controls.pause(lane, pause)
            case .sender(let sender): controls.pause(SenderID(rawValue: UInt64(sender)), pause)
            }
        }
        return controls
    }

    /// Half of them say how long, the others somebody has to end.
    mutating func pause(_ subject: PauseSubject, for time: Duration) {
        if let standing = pauses[subject], standing.until.map({ $0 > wall }) ?? true { return }
        let isTimed = chance(50)
        pauses[subject] = Pause(since: wall, until: isTimed ? wall + time : nil)
        if !isTimed { agenda.add(.lift(subject), at: now + time) }
        agenda.add(.wakeParked, at: now + time)
        tellControls(within: 0...2_000)
    }

    mutating func lift(_ subject: PauseSubject) {
        guard pauses[subject]?.until == nil, pauses.removeValue(forKey: subject) != nil else {
            return
        }
        tellControls(within: 0...2_000)
    }

    mutating func liftAll() {
        guard !pauses.isEmpty else { return }
        pauses.removeAll()
        tellControls(within: 0...0)
        agenda.add(.wakeParked, at: now)
    }

    /// They look when it is time, and see what is in force then.
    private mutating func tellControls(within milliseconds: ClosedRange<Int>) {
        for number in workers.numbers {
            agenda.add(.hearControls(number), at: now + delay(milliseconds))
        }
    }

    func isPaused(sender: Int) -> Bool {
        guard let pause = pauses[.sender(sender)] else { return false }
        return pause.until.map { $0 > wall } ?? true
    }

    /// What comes after it must not overtake it.
    func isBehindParked(_ sender: Int) -> Bool {
        postgres.parked.contains { postgres.activity($0)?.sender == sender }
    }

    /// Somebody routes what is parked and may be sent, until nothing is left.
    mutating func wakeParked() {
        guard !postgres.parked.isEmpty else { return }
        agenda.add(.wakeParked, at: now + .seconds(10))
        guard isPostgresUp, let worker = workers.numbers.first else { return }
        let ready = postgres.parked.sorted().compactMap { id -> ExpansionResult.Stored? in
            guard let activity = postgres.activity(id), !isPaused(sender: activity.sender) else {
                return nil
            }
            return stored(id, activity, activity.inboxes, again: true)
        }
        guard !ready.isEmpty else { return }
        postgres.wake(ready.prefix(100).map(\.activity), at: now)
        deliver(.unparked(Array(ready.prefix(100))), to: worker)
    }
}

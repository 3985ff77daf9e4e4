/// What a worker does, as its scoreboard slot says it.

/// The life of a worker process. Raw values stand in shared memory.
package enum WorkerState: UInt64, CaseIterable, Sendable {
    /// No process, or one that has not written yet.
    case absent = 0
    case starting = 1
    /// It delivers.
    case ready = 2
    /// It finishes what it has and takes nothing new.
    case draining = 3

    package var name: String {
        switch self {
        case .absent: "absent"
        case .starting: "starting"
        case .ready: "ready"
        case .draining: "draining"
        }
    }
}

/// What a worker had in hand: written before a step that untrusted bytes could make crash, so that
/// a supervisor who finds a dead worker knows the poison. Raw values stand in shared memory.
package enum Stage: UInt64, CaseIterable, Sendable {
    case idle = 0
    case parse = 1
    case expand = 2
    case route = 3
    case prepare = 4
    case sign = 5
    case send = 6
    /// Reading or judging an answer.
    case judge = 7
    case settle = 8

    package var name: String {
        switch self {
        case .idle: "idle"
        case .parse: "parse"
        case .expand: "expand"
        case .route: "route"
        case .prepare: "prepare"
        case .sign: "sign"
        case .send: "send"
        case .judge: "judge"
        case .settle: "settle"
        }
    }
}

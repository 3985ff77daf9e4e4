import DeliveryCore

/// What a machine asked for, seen the way a test asks about it.
extension [Action] {
    /// The names of the actions in their order, without the housekeeping that any event may bring
    /// along: a list to compare whole, so that it also says what must not be there.
    var steps: [String] {
        compactMap { action in
            switch action {
            case .heartbeat, .renewLeases, .recoverIntake, .log: nil
            default: action.name
            }
        }
    }

    var names: [String] { map(\.name) }

    var sends: [Transmission] {
        reduce(into: []) { if case .send(let transmissions) = $1 { $0 += transmissions } }
    }

    var flushes: [(id: FlushID, batch: FlushBatch)] {
        reduce(into: []) { if case .flush(let id, let batch) = $1 { $0.append((id, batch)) } }
    }

    var resolves: [(lease: OwnedLease, id: ResolutionID, resolutions: [Resolution])] {
        reduce(into: []) {
            if case .resolve(let lease, let id, let list) = $1 { $0.append((lease, id, list)) }
        }
    }

    var resolutions: [Resolution] { resolves.flatMap(\.resolutions) }

    var preparations: [(id: PreparationID, request: PreparationRequest)] {
        reduce(into: []) { if case .prepare(let id, let request) = $1 { $0.append((id, request)) } }
    }

    var questions: [(id: ExpansionID, lane: Lane, questions: [PredecessorQuestion])] {
        reduce(into: []) {
            if case .findPredecessors(let id, let lane, let list) = $1 {
                $0.append((id, lane, list))
            }
        }
    }

    var expansions: [(id: ExpansionID, jobs: [ExpansionJob])] {
        reduce(into: []) { if case .expand(let id, let jobs) = $1 { $0.append((id, jobs)) } }
    }

    var routings: [(id: ExpansionID, entries: [RoutedEntry])] {
        reduce(into: []) { if case .route(let id, let entries) = $1 { $0.append((id, entries)) } }
    }

    var finishedIntake: [IntakeReference] {
        reduce(into: []) { if case .finishIntake(_, let references) = $1 { $0 += references } }
    }

    var rejections: [RejectedIntake] {
        reduce(into: []) { if case .rejectIntake(let rejected) = $1 { $0 += rejected } }
    }

    var releases: [(host: HostID, count: Int)] {
        reduce(into: []) {
            if case .release(_, let host, let count) = $1 { $0.append((host, count)) }
        }
    }

    var releasedLeases: [OwnedLease] {
        reduce(into: []) { if case .releaseLeases(let leases) = $1 { $0 += leases } }
    }

    /// Those whose marks may be moved on, of each renewal.
    var renewedWhole: [Set<PartitionNumber>] {
        reduce(into: []) { if case .renewLeases(_, let whole) = $1 { $0.append(whole) } }
    }

    var owedQuestions: [(id: StocktakingID, after: ActivityID)] {
        reduce(into: []) { if case .findOwed(let id, let after, _) = $1 { $0.append((id, after)) } }
    }

    var sought: [(id: StocktakingID, lease: OwnedLease, pointers: [DeliveryPointer])] {
        reduce(into: []) {
            if case .seek(let id, let lease, _, let list) = $1 { $0.append((id, lease, list)) }
        }
    }

    var restored: [(lease: OwnedLease, fanouts: [Fanout])] {
        reduce(into: []) { if case .restore(let lease, let list) = $1 { $0.append((lease, list)) } }
    }

    var examined: [PartitionNumber] {
        reduce(into: []) { if case .examine(let lease) = $1 { $0.append(lease.partition) } }
    }

    var rebuilds: [(lease: OwnedLease, after: ActivityID?)] {
        reduce(into: []) {
            if case .rebuild(let lease, let after) = $1 { $0.append((lease, after)) }
        }
    }

    var renewedLeases: [OwnedLease] {
        reduce(into: []) { if case .renewLeases(let leases, _) = $1 { $0 += leases } }
    }

    /// The lanes of each.
    var intakeReads: [[Lane]] {
        reduce(into: []) { if case .readIntake(let lanes, _) = $1 { $0.append(lanes) } }
    }

    /// The lanes of each.
    var recoveries: [[Lane]] {
        reduce(into: []) { if case .recoverIntake(let lanes, _) = $1 { $0.append(lanes) } }
    }

    var takenLeases: [PartitionNumber] {
        reduce(into: []) { if case .takeLease(let partition) = $1 { $0.append(partition) } }
    }

    var logReads: [(cursors: [LogCursor], count: Int)] {
        reduce(into: []) {
            if case .readLogs(let cursors, let count) = $1 { $0.append((cursors, count)) }
        }
    }

    var notices: [Notice] {
        reduce(into: []) { if case .log(let notice) = $1 { $0.append(notice) } }
    }

    func contains(_ name: String) -> Bool { names.contains(name) }
}

extension Action {
    var name: String {
        switch self {
        case .heartbeat: "heartbeat"
        case .takeLease: "takeLease"
        case .takeEpoch: "takeEpoch"
        case .sealLease: "sealLease"
        case .renewLeases: "renewLeases"
        case .releaseLeases: "releaseLeases"
        case .examine: "examine"
        case .rebuild: "rebuild"
        case .findOwed: "findOwed"
        case .seek: "seek"
        case .restore: "restore"
        case .loadBacklog: "loadBacklog"
        case .readIntake: "readIntake"
        case .recoverIntake: "recoverIntake"
        case .interruptIntakeRead: "interruptIntakeRead"
        case .rejectIntake: "rejectIntake"
        case .findPredecessors: "findPredecessors"
        case .expand: "expand"
        case .route: "route"
        case .finishIntake: "finishIntake"
        case .finishUnparking: "finishUnparking"
        case .readLogs: "readLogs"
        case .interruptLogRead: "interruptLogRead"
        case .prepare: "prepare"
        case .release: "release"
        case .releaseDue: "releaseDue"
        case .send: "send"
        case .forget: "forget"
        case .flush: "flush"
        case .resolve: "resolve"
        case .log: "log"
        case .finish: "finish"
        }
    }
}

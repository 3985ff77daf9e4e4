/// One series that only grows, known by its word.

package import DeliveryCore

package struct Counter: Hashable, Sendable {
    let word: Int

    private init(_ family: Family, _ series: Int = 0) {
        word = ScoreboardLayout.offset(of: family) + series
    }

    package static func intakeRead(_ lane: Lane) -> Self { Self(.intakeRead, lane.index) }
    package static func intakeExpanded(_ lane: Lane) -> Self { Self(.intakeExpanded, lane.index) }
    package static func intakeForNobody(_ lane: Lane) -> Self { Self(.intakeForNobody, lane.index) }
    package static func intakeRejected(code: String) -> Self {
        Self(.intakeRejected, RejectionIndex.index(of: code))
    }
    package static func routed(_ lane: Lane) -> Self { Self(.routed, lane.index) }

    package static func deliveries(_ lane: Lane, _ end: DeliveryEnd) -> Self {
        Self(.deliveries, lane.index * DeliveryEnd.allCases.count + end.index)
    }
    package static func attempts(_ attempt: AttemptClass) -> Self {
        Self(.attempts, attempt.index)
    }
    package static var duplicatesSuppressed: Self { Self(.duplicatesSuppressed) }

    package static func signatures(
        _ algorithm: SigningAlgorithm, _ profile: SignatureProfile
    ) -> Self {
        Self(.signatures, algorithm.index * 2 + Int(profile.rawValue))
    }
    package static var batchedSignatures: Self { Self(.batchedSignatures) }
    package static var signatureBatches: Self { Self(.signatureBatches) }
    package static func connections(_ use: ConnectionUse) -> Self {
        Self(.connections, use.index)
    }
    package static var multiplexedExchanges: Self { Self(.multiplexedExchanges) }
    package static func lookups(_ result: LookupResult) -> Self { Self(.lookups, result.index) }

    package static var staleEvents: Self { Self(.staleEvents) }
    package static var fenced: Self { Self(.fenced) }
    package static var leasesLost: Self { Self(.leasesLost) }
    package static var partitionsRebuilt: Self { Self(.partitionsRebuilt) }
    package static var deliveriesRebuilt: Self { Self(.deliveriesRebuilt) }
    package static var deliveriesRecovered: Self { Self(.deliveriesRecovered) }
    package static func logMessages(_ level: MessageLevel) -> Self {
        Self(.logMessages, level.index)
    }
    /// In nanoseconds.
    package static func cpu(_ stage: CPUStage) -> Self { Self(.cpu, stage.index) }
    package static func workerDeaths(_ cause: WorkerDeath) -> Self {
        Self(.workerDeaths, cause.index)
    }
    package static func quarantined(_ kind: QuarantinedKind) -> Self {
        Self(.quarantined, kind.index)
    }
}

/// One series that goes up and down.
package struct Gauge: Hashable, Sendable {
    let word: Int

    private init(_ family: Family, _ series: Int = 0) {
        word = ScoreboardLayout.offset(of: family) + series
    }

    package static var inFlight: Self { Self(.inFlight) }
    package static var openDeliveries: Self { Self(.openDeliveries) }
    package static var unsettled: Self { Self(.unsettled) }
    package static var ownedPartitions: Self { Self(.ownedPartitions) }
    package static var held: Self { Self(.held) }
    package static var later: Self { Self(.later) }
    /// - Parameter lane: not `backfill`, which has no intake; it would count as bulk.
    package static func laneLength(_ lane: Lane) -> Self {
        Self(.laneLength, min(lane.index, Lane.intake.count - 1))
    }
    package static var idleConnections: Self { Self(.idleConnections) }
    package static var idleConnectionBytes: Self { Self(.idleConnectionBytes) }
    /// 1 or 0.
    package static var redisUp: Self { Self(.redisUp) }
    /// 1 or 0.
    package static var postgresUp: Self { Self(.postgresUp) }
    /// 1 or 0.
    package static var networkAway: Self { Self(.networkAway) }
    package static var multiBufferSigner: Self { Self(.multiBufferSigner) }
    package static func workers(_ state: WorkerState) -> Self {
        Self(.workers, Int(state.rawValue))
    }
}

/// One distribution.
package struct Histogram: Hashable, Sendable {
    let word: Int
    let shape: HistogramShape

    private init(_ family: Family, _ series: Int = 0) {
        guard case .histogram(let shape) = Family.definitions[family.rawValue].kind else {
            preconditionFailure("\(family) is no histogram")
        }
        self.shape = shape
        word = ScoreboardLayout.offset(of: family) + series * shape.wordCount
    }

    package static func enqueueToDelivered(_ lane: Lane) -> Self { byLane[lane.index] }
    package static let httpDuration = Self(.httpDuration)
    package static let flushDuration = Self(.flushDuration)
    package static let flushRows = Self(.flushRows)

    private static let byLane = Lane.allCases.map { Self(.enqueueToDelivered, $0.index) }
}

extension Lane {
    fileprivate var index: Int { Int(rawValue) }
}

extension DeliveryEnd {
    fileprivate var index: Int {
        switch self {
        case .delivered: 0
        case .failed: 1
        case .expired: 2
        case .dropped: 3
        case .superseded: 4
        }
    }
}

extension SigningAlgorithm {
    fileprivate var index: Int { self == .rsa ? 0 : 1 }
}

extension ConnectionUse {
    fileprivate var index: Int { self == .opened ? 0 : 1 }
}

extension LookupResult {
    fileprivate var index: Int {
        switch self {
        case .found: 0
        case .notFound: 1
        case .unavailable: 2
        }
    }
}

extension MessageLevel {
    fileprivate var index: Int {
        switch self {
        case .info: 0
        case .warning: 1
        case .error: 2
        }
    }
}

extension QuarantinedKind {
    fileprivate var index: Int { self == .activity ? 0 : 1 }
}

extension WorkerDeath {
    fileprivate var index: Int {
        switch self {
        case .exited: 0
        case .killed: 1
        case .crashed: 2
        }
    }
}

extension CPUStage {
    fileprivate var index: Int {
        switch self {
        case .poll: 0
        case .claim: 1
        case .schedule: 2
        case .sign: 3
        case .send: 4
        case .settle: 5
        }
    }
}

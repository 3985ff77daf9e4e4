/// Watches that a host takes the Create of an object before its Updates, and these before its
/// Delete.
///
/// Judged when a pair is accepted for the first time: a repetition is a duplicate, not a matter of
/// order. A step that never comes is no violation (a Delete supersedes its Create), one that comes
/// after a later one is.
struct OrderBook {
    static let maximumExamples = 20

    private(set) var violations = 0
    /// The first ones, to look at.
    private(set) var examples: [OrderViolation] = []
    private var objects = TextTable()
    /// The highest stage taken, under host << 32 | object.
    private var stages: [UInt64: Stage] = [:]

    enum Stage: UInt8, Comparable {
        case create = 1
        case update, delete

        init?(type: String) {
            switch type {
            case "Create": self = .create
            case "Update": self = .update
            case "Delete": self = .delete
            default: return nil
            }
        }

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    struct Step {
        fileprivate let host: Int
        fileprivate let object: Int
        fileprivate let stage: Stage
    }

    /// Nil for types that have no order.
    mutating func step(_ scan: ActivityScan, host: Int) -> Step? {
        guard let stage = Stage(type: scan.type), !scan.object.isEmpty else { return nil }
        return Step(host: host, object: objects.add(scan.object), stage: stage)
    }

    mutating func took(_ step: Step, hosts: TextTable) {
        let key = UInt64(step.host) << 32 | UInt64(step.object)
        guard let highest = stages[key], highest > step.stage else {
            stages[key] = step.stage
            return
        }
        violations += 1
        guard examples.count < Self.maximumExamples else { return }
        examples.append(
            OrderViolation(
                host: hosts[step.host], object: objects[step.object], came: "\(step.stage)",
                after: "\(highest)"))
    }
}

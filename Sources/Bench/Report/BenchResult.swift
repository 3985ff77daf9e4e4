internal import FoundationEssentials

/// Everything that one run has found out: what `--json` writes and `--compare` reads.
package struct BenchResult: Codable, Equatable, Sendable {
    /// Another number is another meaning of the members below.
    package static let currentFormat = 1

    /// Whose Redis, PostgreSQL and workers were measured.
    package enum Services: String, Codable, Sendable {
        /// The run's own.
        case embedded
        /// Somebody's, that had run before.
        case installation
    }

    /// Of the benchmark; in an installation workers and servers may have others.
    package struct Machine: Codable, Equatable, Sendable {
        package var processor: String
        package var processors: Int
        package var memoryBytes: Int
        package var system: String
        package var kernel: String

        package init(
            processor: String, processors: Int, memoryBytes: Int, system: String, kernel: String
        ) {
            (self.processor, self.processors) = (processor, processors)
            (self.memoryBytes, self.system, self.kernel) = (memoryBytes, system, kernel)
        }
    }

    package struct Verified: Codable, Equatable, Sendable {
        package var expected: Int
        package var delivered: Int
        package var missing: Int
        package var duplicates: Int
        package var strangers: Int
        package var badSignatures: Int
        package var requests: Int
        /// Empty: every delivery came, once, signed, and nothing else.
        package var complaints: [String]
    }

    package struct Throughput: Codable, Equatable, Sendable {
        package var offeredActivitiesPerSecond: Double
        package var offeredDeliveriesPerSecond: Double
        /// Arrived while activities were offered, the warm-up left out.
        package var deliveriesPerSecond: Double
        /// From the last activity to the last arrival.
        package var drainSeconds: Double
    }

    package struct LaneTimes: Codable, Equatable, Sendable {
        package var lane: BenchLane
        /// From when the activity was meant to be enqueued to its arrival.
        package var milliseconds: Percentiles
    }

    /// One kind of process, or one stage of the workers.
    package struct CPU: Codable, Equatable, Sendable {
        package var name: String
        /// nil, as the next one: it could not be measured.
        @OrNull package var seconds: Double?
        @OrNull package var microsecondsPerDelivery: Double?

        init(name: String, seconds: Double?, deliveries: Int) {
            self.name = name
            self.seconds = seconds
            microsecondsPerDelivery = seconds.map { $0 / Double(max(deliveries, 1)) * 1e6 }
        }
    }

    package struct ProcessMemory: Codable, Equatable, Sendable {
        package var name: String
        package var peakBytes: Int
        package var lastBytes: Int
    }

    package var format = Self.currentFormat
    /// RFC 3339.
    package var date: String
    package var scenario: String
    package var seed: UInt64
    package var definition: JSONValue
    /// nil: written by a version that knew ``Services/embedded`` alone.
    package var services: Services?
    package var workers: Int
    package var machine: Machine
    package var commit: String?
    /// By the name of the program or library.
    package var versions: [String: String]
    package var verified: Verified
    package var throughput: Throughput
    package var latency: [LaneTimes]
    /// Milliseconds by which the generator enqueued later than it meant to.
    package var lateness: Percentiles?
    /// Deliveries that came while `cpu` was used.
    package var cpuDeliveries: Int
    package var cpu: [CPU]
    /// nil: nobody could be asked.
    @OrNull package var stages: [CPU]?
    package var memory: [ProcessMemory]
    /// Arrivals in each second from the beginning of the load.
    package var arrivals: [Int]
    package var samples: [Sample]
    /// What a reader should know before believing a figure.
    package var notes: [String]

    package var holds: Bool { verified.complaints.isEmpty }

    /// In words.
    package var measuredServices: String {
        let count = "\(workers) \(workers == 1 ? "worker" : "workers")"
        return services == .installation ? "\(count) of an installation" : count
    }
}

extension BenchResult {
    package var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        }
    }

    /// - Throws: a sentence for whoever named the file.
    package static func read(_ json: [UInt8], file: String) throws(ScenarioMistake) -> BenchResult {
        do {
            let result = try JSONDecoder().decode(BenchResult.self, from: Data(json))
            guard result.format == currentFormat else {
                throw ScenarioMistake(
                    file: file, key: "format",
                    mend: "is \(result.format), this program reads \(currentFormat): run it again")
            }
            return result
        } catch let mistake as ScenarioMistake {
            throw mistake
        } catch {
            throw ScenarioMistake(
                file: file, key: "",
                mend: "is not what `trunkline bench --json` writes: \(error)")
        }
    }
}

internal import CCrypto
internal import Glibc
internal import HTTPSignatures

/// RSA signatures (RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2) of up to eight messages
/// in one call, by as many keys of one size.
///
/// A call costs about the same for one lane as for eight, so it pays from ``leastLanes`` up. Every
/// signature is checked with the public key before it leaves: a wrong one, made by a fault of
/// memory or processor, would betray the key (it is made by the Chinese remainder theorem). After
/// one wrong signature libcrypto makes all others.
package final class MultiBufferSigner {
    package static let lanes = MultiBufferLibrary.lanes

    /// From how many messages on a call is cheaper than libcrypto, by what was measured at the
    /// start.
    package let leastLanes: Int
    /// What one signature costs when all lanes are taken, and by libcrypto.
    package let cost: (multiBuffer: Duration, libcrypto: Duration)?
    private let library: MultiBufferLibrary
    private let lanes = LaneMemory()
    private let onFault: (String) -> Void
    /// Until a signature was wrong.
    package private(set) var isTrusted = true
    package private(set) var tally = Tally()

    package struct Tally: Equatable, Sendable {
        package var calls = 0
        package var signatures = 0
        /// Calls that had work for all lanes.
        package var filled = 0

        package init() {}
    }

    /// Loads the library, has it sign for a key made for that, and measures: about 0.1 s.
    ///
    /// - Parameters:
    ///   - name: a path, or a name that the dynamic linker finds.
    ///   - onFault: told once, when a signature turned out wrong.
    ///   - leastLanes: what is not to be measured (tests).
    package init(
        library name: String = MultiBufferSigner.standardName, leastLanes: Int? = nil,
        onFault: @escaping (String) -> Void = { _ in }
    ) throws(MultiBufferRefusal) {
        library = try MultiBufferLibrary(name)
        self.onFault = onFault
        guard let trial = Trial(), trial.expected == Self.run(library, lanes, trial.tasks) else {
            throw .wrongSignatures
        }
        if let leastLanes {
            self.leastLanes = leastLanes
            cost = nil
            return
        }
        let eight = trial.cost { [library, lanes] in _ = Self.run(library, lanes, trial.tasks) }
        let one = trial.cost { _ = try? trial.key.sign(trial.tasks[0].message) }
        cost = (eight / Self.lanes, one)
        self.leastLanes = max(2, Int((eight / one).rounded(.up)))
        guard self.leastLanes <= Self.lanes else { throw .slower }
    }

    package static let standardName = MultiBufferLibrary.standardName

    /// What a lane signs with, and what.
    struct Task {
        var numbers: RSANumbers
        var message: [UInt8]
    }

    /// One signature a task, in order; nil where none can be had. At most eight, of one key size.
    func sign(_ tasks: [Task]) -> [[UInt8]?] {
        guard isTrusted else { return tasks.map { _ in nil } }
        let signatures = Self.run(library, lanes, tasks)
        tally.calls += 1
        tally.signatures += tasks.count
        if tasks.count == Self.lanes { tally.filled += 1 }
        if signatures.contains(nil) {
            isTrusted = false
            onFault("a signature made by crypto_mb was wrong: from now on libcrypto signs")
        }
        return signatures
    }

    private static func run(
        _ library: MultiBufferLibrary, _ lanes: LaneMemory, _ tasks: [Task]
    ) -> [[UInt8]?] {
        guard let bits = tasks.first?.numbers.bits else { return [] }
        lanes.load(tasks)
        let signed = library.privateOperation(
            lanes.messages, lanes.signatures, lanes.p, lanes.q, lanes.exponentP, lanes.exponentQ,
            lanes.inverseQ, Int32(bits))
        let checked = library.publicOperation(
            lanes.signaturesToCheck, lanes.recovered, lanes.publicExponent, lanes.modulus,
            Int32(bits))
        return tasks.indices.map { lane in
            let status = (signed | checked) >> (4 * UInt32(lane)) & 0xF
            return status == 0 ? lanes.signature(lane, byteCount: bits / 8) : nil
        }
    }

    /// Eight messages and their signatures by libcrypto.
    private struct Trial {
        let key: PrivateKey
        let tasks: [Task]
        let expected: [[UInt8]?]

        init?() {
            guard let key = try? PrivateKey(generating: .rsaSHA256), let numbers = key.numbers
            else { return nil }
            self.key = key
            tasks = (0..<MultiBufferSigner.lanes).map { lane in
                Task(numbers: numbers, message: Array("trunkline \(lane)".utf8))
            }
            expected = tasks.map { try? key.sign($0.message) }
            if expected.contains(nil) { return nil }
        }

        /// The least CPU time of some calls.
        func cost(of call: () -> Void) -> Duration {
            (0..<5).map { _ in
                let before = threadTime()
                call()
                return threadTime() - before
            }.min() ?? .zero
        }

        private func threadTime() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }
}

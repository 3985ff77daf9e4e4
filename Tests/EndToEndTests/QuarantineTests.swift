import DeliveryCore
import FaultHarness
import Foundation
import Supervision
import Testing

extension EndToEnd {
    /// A job that makes workers crash: really, in a library that they use.
    @Suite(.serialized) struct QuarantineTests {
        private let scratch: Scratch
        private let library: FaultyLibrary
        private let sink: SinkProcess
        private let pool: Pool
        private let sender: Sender
        private static let workers = 2

        init() throws {
            scratch = try Scratch()
            library = try FaultyLibrary(in: scratch)
            sink = try SinkProcess(in: scratch)
            pool = try Pool(
                .embedded(directory: scratch.file("s")), delivering: sink, in: scratch,
                workers: Self.workers, environment: library.environment)
            sender = try Sender(of: pool, known: sink)
        }

        private var inboxes: [String] { (0..<20).map { sink.inbox("q\($0)") } }

        private func send(_ names: [String]) throws -> Set<Pair> {
            var pairs: Set<Pair> = []
            for name in names {
                let note = Note(name)
                try pool.enqueue(note.entry(to: inboxes, key: sender.keyID))
                pairs.formUnion(note.pairs(inboxes))
            }
            return pairs
        }

        private func waitForDelivery(_ pairs: Set<Pair>) throws {
            try Poll.until("delivered", within: .seconds(120)) {
                try pool.states(of: pairs) == ["delivered": pairs.count]
            }
            #expect(try Tally.of(pairs, at: sink).losses.isEmpty)
        }

        /// How many workers a bug has ended so far.
        private var crashes: Int { pool.faults.count { $0.contains("was killed by signal 11") } }

        @Test func `an activity is set aside after three crashes, others go, and it when released`()
            throws
        {
            try library.crash(.posting, on: "poison")
            var fine = try send((0..<20).map { "before-\($0)" })
            let poison = try send(["poison"])
            fine.formUnion(try send((0..<20).map { "after-\($0)" }))
            let id = try #require(poison.first).activity
            try Poll.until("it is set aside", within: .seconds(60)) {
                try pool.states(of: poison) == ["failed": poison.count]
            }
            try waitForDelivery(fine)
            // The others may have had it open when the third was counted.
            let most = Quarantine.crashLimit + Self.workers - 1
            #expect((Quarantine.crashLimit...most).contains(crashes), "\(crashes) crashes")
            let duplicates = try Tally.of(fine, at: sink).duplicates
            #expect(duplicates <= crashes * EndToEnd.inHandOfWorker)
            #expect(try Tally.of(poison, at: sink).requests == 0)

            let listed = try pool.trunkline(["quarantine"])
            #expect(listed.contains("send") && listed.contains("SIGSEGV") && listed.contains(id))
            let shown = try pool.trunkline(["activity", id])
            #expect(shown.contains("crashes  set aside since 20"))
            #expect(shown.contains("20 failed"))
            #expect(shown.contains("quarantined: "))
            // Its sender, and its hosts, go on.
            try waitForDelivery(try send(["later"]))
            #expect(crashes <= most)

            try library.mend(.posting)
            let before = crashes
            #expect(
                try pool.trunkline(["quarantine", "release", id])
                    == "released: 20 deliveries that had failed for it are owed again\n")
            try waitForDelivery(poison)
            #expect(try Tally.of(poison, at: sink).duplicates == 0)
            #expect(try pool.trunkline(["quarantine"]) == "nothing is set aside\n")
            #expect(crashes == before)
            #expect(pool.drain() == .exited(0))
        }

        @Test func `an entry that cannot even be parsed is rejected after three crashes`() throws {
            try library.crash(.hashing, on: "poison")
            var fine = try send((0..<20).map { "before-\($0)" })
            let poison = try send(["poison"])
            fine.formUnion(try send((0..<20).map { "after-\($0)" }))
            let id = try #require(poison.first).activity
            try Poll.until("it is rejected", within: .seconds(120)) {
                try pool.trunkline(["rejected"]).contains("quarantined")
            }
            try waitForDelivery(fine)
            #expect(crashes == Quarantine.crashLimit)
            #expect(try pool.states(of: poison).isEmpty)
            let rejected = try pool.trunkline(["rejected"])
            #expect(rejected.contains(id))
            #expect(rejected.contains("3 workers crashed with it in hand, the last in stage parse"))
            #expect(try pool.trunkline(["quarantine"]).contains("normal entry "))
            #expect(pool.drain() == .exited(0))
        }
    }
}

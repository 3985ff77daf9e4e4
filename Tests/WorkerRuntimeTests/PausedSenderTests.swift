import EventLoop
import HTTPSignatures
import PostgresStore
import Testing

@testable import DeliveryCore
@testable import WorkerRuntime

extension WithPostgres {
    /// Rows of `control` as the worker takes them.
    @Suite struct PausedSenderTests {
        private let bench: Bench
        private let key = "https://our.example/users/a#main-key"

        init() throws { bench = try Bench() }

        private func load() throws -> [StoredControl] {
            try bench.answer { bench.store.loadControls(completion: $0) }.get()
        }

        @Test func `lanes and senders are paused by their rows, and nothing else is`() throws {
            try bench.database.query(
                """
                insert into trunkline.control (kind, lane, key_id, actor, until) values
                    ('pause', 'bulk', null, 'ann', null),
                    ('pause', null, '\(key)', 'ann', now() + interval '1 hour')
                """)
            let controls = Controls(try load())
            let sender = SenderID(of: try KeyID(key))
            let wall = EventLoop.wallTime
            #expect(Lane.allCases.filter { controls.isPaused($0, at: wall) } == [.bulk])
            #expect(controls.isPaused(.normal, sender, at: wall))
            #expect(!controls.isPaused(.normal, sender, at: wall + .seconds(3_700)))
            #expect(controls[host: "h1.example"] == HostControl())
        }

        @Test func `an end beyond what the clock can hold is a pause like any other`() throws {
            try bench.database.query(
                """
                insert into trunkline.control (kind, lane, key_id, actor, until) values
                    ('pause', 'bulk', null, 'ann', '290000-01-01'),
                    ('pause', null, '\(key)', 'ann', 'infinity')
                """)
            let stored = try load()
            #expect(stored.map { $0.until != nil } == [true, false])
            let wall = EventLoop.wallTime
            #expect(
                WorkerProcess.wait(untilFirstEndOf: stored, at: wall)
                    == WorkerProcess.controlInterval)
            let controls = Controls(stored)
            let sender = SenderID(of: try KeyID(key))
            #expect(controls.isPaused(.bulk, at: wall))
            #expect(controls.isPaused(.normal, sender, at: wall))
            #expect(PausedSenders(stored).reason(for: key, at: wall) != nil)
        }

        @Test func `controls are looked at again when the first of them ends`() throws {
            try bench.database.query(
                """
                insert into trunkline.control (kind, host, actor, until) values
                    ('pause', 'h1.example', 'ann', now() + interval '1 hour'),
                    ('pause', 'h2.example', 'ann', now() + interval '30 seconds'),
                    ('pause', 'h3.example', 'ann', null)
                """)
            let stored = try load()
            let first = try #require(stored[1].until)
            func wait(at wall: WallTime) -> Duration? {
                WorkerProcess.wait(untilFirstEndOf: stored, at: wall)
            }
            #expect(wait(at: first - .seconds(7)) == .seconds(7))
            #expect(wait(at: first) == WorkerProcess.controlInterval)
            #expect(wait(at: first + .seconds(7_200)) == nil)
        }

        @Test func `a paused sender has its reason in words, until its end`() throws {
            try bench.database.query(
                """
                insert into trunkline.control (kind, key_id, actor, reason, until)
                values ('pause', '\(key)', 'ann', 'stolen', now() + interval '1 hour')
                """)
            let paused = PausedSenders(try load())
            let wall = EventLoop.wallTime
            #expect(paused.reason(for: key, at: wall) == "its sender is paused by ann: stolen")
            #expect(paused.reason(for: key + "2", at: wall) == nil)
            #expect(paused.reason(for: key, at: wall + .seconds(3_700)) == nil)
        }
    }
}

import DeliveryCore
import Testing

/// From the logs to the wire, and out of Redis.
@Suite struct LogTests {
    @Test func `a delivery is prepared, sent, committed, and only then taken out of Redis`() throws
    {
        var trace = Trace.owning()
        trace.read()

        let read = trace.read(.fanout(5, 7, to: [11, 21]))
        #expect(read.steps == ["prepare", "readLogs"])
        #expect(read.logReads.map(\.cursors).first?.map(\.after) == [5])
        let preparation = try #require(read.preparations.first)
        #expect(preparation.request.activities == [7])
        #expect(preparation.request.inboxes == [11, 21])
        #expect(preparation.request.checks.isEmpty)

        let prepared = trace.answer(preparation)
        #expect(prepared.steps == ["send"])
        #expect(prepared.sends.map(\.url) == [InboxID(11).url, InboxID(21).url])
        #expect(prepared.sends.map(\.host) == ["h1.example", "h2.example"])
        #expect(prepared.sends.allSatisfy { $0.activity == 7 && $0.profile == .draftCavage })

        #expect(trace.end(prepared.sends[0], .status(202)).steps == [])
        let ended = trace.end(prepared.sends[1], .status(200))
        #expect(ended.steps == ["flush"])
        let batch = try #require(ended.flushes.first).batch
        #expect(batch.fences.map(\.partition) == [0])
        #expect(batch.outcomes.map(\.state) == [.delivered])
        #expect(batch.outcomes.map(\.inboxes) == [[11, 21]])
        #expect(batch.attempts.isEmpty && batch.failures.isEmpty)

        let committed = try trace.commit()
        #expect(committed.steps == ["forget", "resolve"])
        #expect(committed.resolutions.map(\.entry) == [5])
        #expect(committed.resolutions.allSatisfy { $0.holds.isEmpty && $0.laters.isEmpty })

        #expect(trace.resolve(committed).steps == [])
        #expect(trace.gauges.open == 0 && trace.gauges.unsettled == 0 && trace.gauges.held == 0)
    }

    @Test func `an entry stays until the last of its deliveries is committed`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11, 21])).sends
        trace.end(sends[0], .status(200))
        #expect(trace.pass(.milliseconds(100)).steps == ["flush"])
        #expect(try trace.commit().steps == [])
        trace.end(sends[1], .status(200))
        #expect(try trace.commit().steps == ["forget", "resolve"])
    }

    @Test func `one inbox open by one entry is sent once, the second entry ends at once`() throws {
        var trace = Trace.owning()
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let second = trace.read(.fanout(2, 7, to: [11], again: true))
        #expect(second.steps == ["resolve", "readLogs"])
        #expect(second.resolutions.map(\.entry) == [2])
        trace.end(sends[0], .status(200))
        #expect(try trace.commit().resolutions.map(\.entry) == [1])
        #expect(trace.history.sends.count == 1)
    }

    @Test func `a second entry adds only what is new`() {
        var trace = Trace.owning()
        trace.read()
        trace.admit(.fanout(1, 7, to: [11, 12]))
        let second = trace.admit(.fanout(2, 7, to: [12, 21]))
        #expect(second.preparations.map(\.request.inboxes) == [[21]])
        #expect(second.preparations.map(\.request.activities) == [[]])
        #expect(second.sends.map(\.url) == [InboxID(21).url])
    }

    @Test func `two entries read together ask for their activity once, for each inbox once`() {
        var trace = Trace.owning()
        trace.read()
        let actions = trace.read(
            .fanout(1, 7, to: [11]), .fanout(2, 7, to: [12]), .fanout(3, 8, to: [11]))
        #expect(actions.preparations.map(\.request.activities) == [[7, 8]])
        #expect(actions.preparations.map(\.request.inboxes) == [[11, 12]])
    }

    // MARK: What may have been done already

    @Test func `after a takeover entries are checked, and settled ones are not sent`() throws {
        var trace = Trace.owning()
        let read = trace.read(.fanout(1, 7, to: [11, 21]), .fanout(2, 8, to: [11]))
        let preparation = try #require(read.preparations.first)
        #expect(preparation.request.checks == [7: [11, 21], 8: [11]])

        let answered = trace.answer(preparation, settled: [7: [11], 8: [11]])
        #expect(answered.sends.map(\.url) == [InboxID(21).url])
        #expect(answered.resolutions.map(\.entry) == [2])
    }

    @Test func `entries are checked until the log has been read to its end`() throws {
        var trace = Trace.owning { $0.readCount = 2 }
        let first = trace.read(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]))
        #expect(first.preparations.isEmpty)
        let second = trace.read(.fanout(3, 9, to: [11]))
        #expect(
            second.preparations.first?.request.checks == [7: [11], 8: [11], 9: [11]])
        let third = trace.read(.fanout(4, 10, to: [11]))
        #expect(third.preparations.first?.request.checks.isEmpty == true)
    }

    @Test func `what was routed again, held or put in later is checked always`() {
        var trace = Trace.owning()
        trace.read()
        let again = trace.read(.fanout(1, 7, to: [11], again: true))
        #expect(again.preparations.first?.request.checks == [7: [11]])
        let returned = trace.read(.pointers(2, pointer(8, 12), pointer(9, 13)))
        #expect(returned.preparations.first?.request.checks == [8: [12], 9: [13]])
    }

    @Test func `an entry seen before is not opened again`() {
        var trace = Trace.owning()
        trace.admit(.fanout(5, 7, to: [11]))
        #expect(trace.read(.fanout(5, 7, to: [11]), .fanout(4, 8, to: [11])).steps == ["readLogs"])
        #expect(trace.gauges.open == 1)
    }

    // MARK: What cannot be prepared

    @Test func `a failed preparation is asked again after a pause`() throws {
        var trace = Trace.owning()
        let preparation = try #require(trace.read(.fanout(1, 7, to: [11])).preparations.first)
        #expect(trace.feed(.preparationFailed(preparation.id)).steps == [])
        let again = trace.pass(.milliseconds(500))
        #expect(again.steps == ["prepare"])
        #expect(again.preparations.first?.request == preparation.request)
        #expect(trace.answer(preparation).steps == ["send"])
    }

    @Test func `an activity that PostgreSQL does not know is shown and stays in the log`() throws {
        var trace = Trace.owning()
        let preparation = try #require(trace.read(.fanout(1, 7, to: [11, 21])).preparations.first)
        var facts = trace.facts(on: preparation.request)
        facts.activities = [:]
        let actions = trace.feed(.prepared(preparation.id, facts))
        #expect(actions.steps == ["forget"])
        #expect(actions.notices.map(\.level) == [.error])
        #expect(trace.gauges.open == 0)
        #expect(!trace.live(.seconds(3)).contains("resolve"))
    }

    @Test func `a missing activity lets those go that share its entry`() throws {
        var trace = Trace.owning()
        let preparation = try #require(
            trace.read(.pointers(1, pointer(7, 11, attempts: 2), pointer(8, 21))).preparations.first
        )
        var facts = trace.facts(on: preparation.request)
        facts.activities[7] = nil
        let sends = trace.feed(.prepared(preparation.id, facts)).sends
        #expect(sends.map(\.activity) == [8])
        trace.end(try #require(sends.first), .status(500))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.entry == 1)
        #expect(
            Set(resolution.laters.map(\.pointer)) == [
                pointer(7, 11, attempts: 2), pointer(8, 21, attempts: 1),
            ])
    }

    @Test func `an inbox without an address is a dead letter`() throws {
        var trace = Trace.owning()
        let preparation = try #require(trace.read(.fanout(1, 7, to: [11, 21])).preparations.first)
        var facts = trace.facts(on: preparation.request)
        facts.inboxes[11] = nil
        let actions = trace.feed(.prepared(preparation.id, facts))
        #expect(actions.sends.map(\.url) == [InboxID(21).url])
        trace.end(try #require(actions.sends.first), .status(200))
        let batch = try #require(trace.history.flushes.last).batch
        #expect(batch.failures.map(\.inbox) == [11])
        #expect(batch.failures.map(\.reason) == ["unknown-inbox"])
    }

    // MARK: Limits

    @Test func `with enough unopened no more of the log is read`() throws {
        var trace = Trace.owning {
            $0.openLimit = 2
            $0.readAheadLimit = 30
        }
        let two = trace.read(.fanout(1, 7, to: [11, 21]), .fanout(2, 8, to: [11]))
        #expect(two.steps == ["prepare", "readLogs"])
        // An entry counts for 16 deliveries more than it has.
        #expect(trace.read(.fanout(3, 9, to: [11])).steps == [])
        let sends = trace.answer(try #require(trace.history.preparations.last)).sends
        for transmission in sends { trace.end(transmission, .status(200)) }
        #expect(try trace.commit().steps == ["forget", "prepare", "resolve", "readLogs"])
    }

    @Test func `what is read behind a fan-out is opened when its sender, or its lane, has a turn`()
        throws
    {
        var trace = Trace.owning { $0.openLimit = 16 }
        trace.read()
        let wide = (1...16).map { InboxID(rawValue: $0 * 10) }
        trace.read(.fanout(1, 7, to: wide, sender: 1), .fanout(2, 7, to: [171, 181], sender: 1))
        #expect(trace.gauges.open == 16)
        // Of the reserve what is urgent, and a sender who has nothing open.
        let urgent = trace.read(.fanout(3, 8, to: [11], lane: .urgent, sender: 1))
        #expect(urgent.preparations.map(\.request.activities) == [[8]])
        let other = trace.read(.fanout(4, 9, to: [11], sender: 2))
        #expect(other.preparations.map(\.request.activities) == [[9]])
        #expect(trace.read(.fanout(5, 10, to: [11], sender: 3)).preparations.isEmpty)
        #expect(trace.gauges.open == 18)
    }

    @Test func `what was read beyond the room waits unopened until there is room`() throws {
        var trace = Trace.owning { $0.openLimit = 2 }
        let read = trace.read(.fanout(1, 7, to: [11, 21]), .fanout(2, 8, to: [11]))
        #expect(read.steps == ["prepare", "readLogs"])
        #expect(read.preparations.map(\.request.inboxes) == [[11, 21]])
        let sends = trace.answer(try #require(read.preparations.first)).sends
        trace.end(sends[0], .status(200))
        #expect(trace.end(sends[1], .status(200)).steps == ["flush"])
        let committed = try trace.commit()
        #expect(committed.steps == ["forget", "prepare", "resolve"])
        // Read before the catching up was over, so checked although it is over now.
        #expect(committed.preparations.map(\.request.checks) == [[8: [11]]])
    }

    @Test func `what waits unopened leaves with its partition`() throws {
        var trace = Trace.owning { $0.openLimit = 1 }
        trace.read(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]))
        trace.feed(.fenced(OwnedLease(partition: 0, epoch: 1)))
        #expect(trace.gauges.open == 0)
        #expect(!trace.feed(.membershipSeen(alive: [me])).contains("prepare"))
        trace.own(0, epoch: 2)
        // What was asked for before the loss is answered.
        trace.feed(.logRead([]))
        let again = trace.read(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]))
        #expect(again.preparations.map(\.request.checks) == [[7: [11]]])
    }

    @Test func `one question to PostgreSQL holds no more deliveries than its limit`() {
        var trace = Trace.owning { $0.preparationLimit = 1 }
        let read = trace.read(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]))
        #expect(read.preparations.map(\.request.activities) == [[7]])
        #expect(trace.feed(.ticked).preparations.map(\.request.activities) == [[8]])
    }

    @Test func `what cannot be read is shown, passed over, and stays in the log`() {
        var trace = Trace.owning { $0.readCount = 2 }
        let read = trace.read(
            LogEntry(id: 1, content: .malformed(reason: "`lane` is missing")),
            LogEntry(id: 2, content: .malformed(reason: "`lane` is missing")))
        #expect(read.steps == ["readLogs"])
        #expect(read.logReads.flatMap(\.cursors).map(\.after) == [2])
        #expect(read.notices.map(\.level) == [.error, .error])
        // It was a full answer: the log goes on, and a former owner may have worked on it.
        let next = trace.read(.fanout(3, 7, to: [11]))
        #expect(next.preparations.map(\.request.checks) == [[7: [11]]])
        #expect(!next.contains("resolve"))
    }

    @Test func `only so many bodies are loaded at a time`() throws {
        var trace = Trace.owning {
            $0.loadingLimit = 2
            $0.readCount = 8
        }
        let first = trace.read(
            .fanout(1, 1, to: [11]), .fanout(2, 2, to: [21]), .fanout(3, 3, to: [31]))
        #expect(first.preparations.map(\.request.activities) == [[1, 2]])
        let answered = try trace.answer(#require(first.preparations.first))
        #expect(answered.preparations.map(\.request.activities) == [[3]])
    }

    @Test func `a failed read is repeated after a pause from the same place`() {
        var trace = Trace.owning()
        trace.read(.fanout(5, 7, to: [11]))
        #expect(trace.feed(.logReadFailed).steps == [])
        let again = trace.pass(.milliseconds(500))
        #expect(again.steps == ["readLogs"])
        #expect(again.logReads.first?.cursors.map(\.after) == [5])
    }
}

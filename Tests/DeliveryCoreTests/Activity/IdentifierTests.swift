import DeliveryCore
import Testing

@Suite struct IdentifierTests {
    @Test(arguments: [
        (20_000, Int64(1)), (0, 0), (22_000, 0xFF_FFFF_FFFF),
    ])
    func `an activity id carries its day and its number`(day: Int, sequence: Int64) {
        let id = ActivityID(day: day, sequence: sequence)
        #expect(id.day == day)
        #expect(id.rawValue & 0xFF_FFFF_FFFF == sequence)
    }

    @Test func `the last activity of a day comes before the first of the next`() {
        #expect(
            ActivityID(day: 20_000, sequence: 0xFF_FFFF_FFFF) < ActivityID(day: 20_001, sequence: 0)
        )
    }

    @Test func `a number too large for a day does not change the day`() {
        #expect(ActivityID(day: 5, sequence: 1 << 41).day == 5)
    }

    @Test(arguments: [
        ("0-0", StreamID(milliseconds: 0, sequence: 0)),
        ("1700000000000-12", StreamID(milliseconds: 1_700_000_000_000, sequence: 12)),
        (
            "18446744073709551615-18446744073709551615",
            StreamID(milliseconds: .max, sequence: .max)
        ),
    ])
    func `a stream id is read as it is written`(text: String, id: StreamID) {
        #expect(StreamID(text) == id)
        #expect(id.description == text)
    }

    @Test(arguments: [
        "", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-b", " 1-2", "1-2 ", "1--2", "+1-2", "1-+2",
        "18446744073709551616-0", "0x1-0", "1.0-0", "١-٢",
    ])
    func `what is not a stream id is refused`(text: String) {
        #expect(StreamID(text) == nil)
    }

    @Test func `stream ids are ordered by time, then by number`() {
        let ordered = [
            StreamID.zero, StreamID(milliseconds: 0, sequence: 9),
            StreamID(milliseconds: 9, sequence: 0), StreamID(milliseconds: 10, sequence: 0),
        ]
        #expect(ordered.shuffled().sorted() == ordered)
    }

    @Test func `lanes are known by name and read urgent first`() {
        for lane in Lane.allCases { #expect(Lane(name: lane.name) == lane) }
        #expect(Lane(name: "Urgent") == nil)
        #expect(Lane.intake == [.urgent, .normal, .bulk])
        #expect(Lane.allCases.sorted() == [.urgent, .normal, .bulk, .backfill])
    }

    @Test(arguments: [
        (Duration.milliseconds(1_500), Int64(1_500)), (.microseconds(999), 0),
        (.seconds(-2), -2_000),
    ])
    func `durations become whole milliseconds`(duration: Duration, milliseconds: Int64) {
        #expect(duration.wholeMilliseconds == milliseconds)
    }

    @Test func `a duration beyond 292 years saturates`() {
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
    }
}

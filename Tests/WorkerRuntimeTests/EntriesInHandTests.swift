import DeliveryCore
import RedisQueue
import Testing

@testable import WorkerRuntime

@Suite struct EntriesInHandTests {
    private func entry(_ number: UInt64) -> IntakeEntry {
        IntakeEntry(
            lane: .normal, id: StreamID(milliseconds: number, sequence: 0),
            fields: [(name: "activity", value: Array("\(number)".utf8))])
    }

    private func reference(_ number: UInt64) -> IntakeReference {
        IntakeReference(lane: .normal, id: StreamID(milliseconds: number, sequence: 0))
    }

    private func hand(_ numbers: ClosedRange<UInt64>) -> EntriesInHand {
        var hand = EntriesInHand()
        for number in numbers { hand.arrived(entry(number)) }
        return hand
    }

    @Test func `an entry stays until it is finished or set aside`() {
        var hand = hand(1...3)
        hand.expansionBegan(ExpansionID(rawValue: 1), (1...3).map(reference))
        #expect(hand.take(reference(2))?.fields.first?.value == Array("2".utf8))
        #expect(hand.count == 2)
        hand.finished([reference(1), reference(3)])
        #expect(hand.count == 0)
        #expect(hand.take(reference(1)) == nil)
    }

    @Test func `an entry that is claimed while it is in hand is one entry`() {
        var hand = hand(1...1)
        hand.arrived(entry(1))
        #expect(hand.count == 1)
        hand.finished([reference(1)])
        #expect(hand.count == 0)
    }

    @Test func `a drain keeps only what is under way, and nothing of what is given up`() {
        var hand = hand(1...6)
        hand.expansionBegan(ExpansionID(rawValue: 1), [reference(1), reference(2)])
        hand.expansionBegan(ExpansionID(rawValue: 2), [reference(3)])
        hand.drainBegan()
        #expect(hand.count == 3)
        // One is rejected after all, the rest of its expansion fails.
        #expect(hand.take(reference(1)) != nil)
        hand.expansionGivenUp(ExpansionID(rawValue: 1))
        #expect(hand.count == 1)
        hand.finished([reference(3)])
        #expect(hand.count == 0)
    }

    @Test func `beyond the limit nothing is kept`() {
        let hand = hand(1...2_000)
        #expect(hand.count == EntriesInHand.limit)
    }
}

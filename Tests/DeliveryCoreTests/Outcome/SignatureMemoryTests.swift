import DeliveryCore
import Testing

@Suite struct SignatureMemoryTests {
    let now = Instant(nanoseconds: 1)
    let day: Duration = .seconds(86_400)

    @Test func `a host nobody knows gets draft-cavage and one second knock`() {
        #expect(SignatureMemory().profile(at: now) == .draftCavage)
        #expect(!SignatureMemory().isKnockFutile(at: now))
    }

    @Test func `a second knock that was let in is believed for thirty days`() {
        var memory = SignatureMemory()
        memory.knocked(accepted: true, at: now)
        #expect(memory.profile(at: now + day * 29) == .messageSignatures)
        #expect(memory.profile(at: now + day * 30) == .draftCavage)
    }

    @Test func `a second knock in vain is not repeated for a day`() {
        var memory = SignatureMemory()
        memory.knocked(accepted: false, at: now)
        #expect(memory.isKnockFutile(at: now + .seconds(86_399)))
        #expect(!memory.isKnockFutile(at: now + day))
        #expect(memory.profile(at: now) == .draftCavage)
    }

    @Test func `what was learned is dropped when it is refused`() {
        var memory = SignatureMemory()
        memory.knocked(accepted: true, at: now)
        memory.refused()
        #expect(memory.profile(at: now) == .draftCavage)
    }
}

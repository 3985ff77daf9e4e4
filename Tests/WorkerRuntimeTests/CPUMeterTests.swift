import DeliveryCore
import EventLoop
import Foundation
import Testing

/// In CPU time, so that a busy machine changes nothing.
@Suite struct CPUMeterTests {
    @Test func `time goes to the account that spends it, and sleep to none`() async {
        // A thread of its own: the clock is the thread's.
        let (spent, used) = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: Self.measured()) }
            thread.start()
        }
        let accounts = CPUAccount.allCases.map { spent[$0.rawValue] }
        #expect(spent[CPUAccount.sign.rawValue] >= 25_000_000)
        #expect((8_000_000...15_000_000).contains(spent[CPUAccount.settle.rawValue]))
        #expect(spent[CPUAccount.claim.rawValue] == 0)
        // All of it, but for what lies before the first turn and behind the last.
        let sum = accounts.reduce(0, +)
        #expect(sum <= used && used - sum < 5_000_000)
    }

    /// Thirty milliseconds of signing, ten of settling, and a sleep of forty.
    private static func measured() -> ([UInt64], UInt64) {
        let before = threadTime()
        let loop = EventLoop()
        var rounds = 0
        let timer = loop.timer { rounds += 1 }
        // A turn each: within one, time is divided by the clock of the wall.
        for (account, milliseconds) in [(CPUAccount.sign, UInt64(30)), (.settle, 10)] {
            timer.start(after: .milliseconds(20))
            let fired = rounds
            while rounds == fired { loop.turn(waitingAtMost: nil) }
            loop.meter.enter(account)
            burn(milliseconds * 1_000_000)
        }
        loop.turn(waitingAtMost: .zero)
        return (loop.meter.spent, threadTime() - before)
    }

    private static func burn(_ nanoseconds: UInt64) {
        let end = threadTime() + nanoseconds
        while threadTime() < end {}
    }

    private static func threadTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

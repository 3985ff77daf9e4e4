import Foundation
import Testing

@testable import trunkline

/// How far clocks may be apart.
@Suite struct ClockCheckTests {
    @Test(arguments: [
        (0, Finding.Grade.ok, "agrees"), (1_500, .ok, "is 1.5 s ahead"),
        (-2_600, .warning, "is 2.6 s behind"), (31_000, .problem, "ahead of this machine's: "),
        (-86_400_000, .problem, "behind this machine's: receivers refuse"),
    ])
    func `a difference is graded`(ahead: Int64, grade: Finding.Grade, words: String) {
        var check = ClockCheck()
        check.look(at: "Redis") { Self.now + ahead }
        #expect(check.findings.count == 1)
        #expect(check.findings[0].subject == "redis clock")
        #expect(check.findings[0].grade == grade)
        #expect(check.findings[0].message.contains(words), "\(check.findings[0].message)")
        #expect(check.findings[0].mend.isEmpty == (grade == .ok))
    }

    @Test func `a clock that can't be had is passed over`() {
        var check = ClockCheck()
        check.look(at: "Redis") { nil }
        #expect(check.findings.isEmpty)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}

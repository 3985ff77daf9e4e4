import Glibc
import Supervision
import Testing

/// Root takes another way than everybody else (PostgreSQL as the `postgres` user), so where root
/// runs the tests, the servers' tests run once more as `nobody`.
@Suite(.timeLimit(.minutes(5))) struct OrdinaryUserTests {
    static let executable = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""

    /// The build directory may lie where only root can go.
    static let isReachable: Bool = {
        let scratch = Scratch()
        return (try? scratch.run("/usr/bin/test", ["-x", executable], as: "nobody")) != nil
    }()

    @Test(.enabled(if: geteuid() == 0 && isReachable, "takes root, and a build in the open"))
    func `the embedded servers serve an ordinary user`() throws {
        let output = try Scratch().run(
            Self.executable,
            ["--testing-library", "swift-testing", "--filter", "Embedded(Postgres|Redis)Tests"],
            as: "nobody")
        #expect(output.contains(/Test run with [1-9][0-9]+ tests in 2 suites passed/))
    }
}

import FaultHarness
import Supervision
import Testing

extension Pool {
    /// Drains it, and complains of an exit code, and of any worker that ended by its own fault.
    func expectCleanEnd(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(drain() == .exited(0), sourceLocation: sourceLocation)
        #expect(faults.isEmpty, sourceLocation: sourceLocation)
    }
}

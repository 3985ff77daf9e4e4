/// How often workers crashed with one thing in hand, and how the last of them did.

internal import DeliveryCore

package struct CrashCount: Equatable, Sendable {
    package var crashes: Int
    /// What the last worker did with it.
    package var stage: String
    /// `SIGSEGV`, ...
    package var signal: String

    package init(crashes: Int, stage: String, signal: String) {
        self.crashes = crashes
        self.stage = stage
        self.signal = signal
    }

    /// Columns crashes, stage, signal.
    init(_ row: inout RowReader) {
        self.init(crashes: Int(row.int()), stage: row.text(), signal: row.text())
    }

    package var sentence: String {
        "\(crashes) workers crashed with it in hand, the last in stage \(stage) (\(signal))"
    }
}

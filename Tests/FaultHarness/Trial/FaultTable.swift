/// The rows as a person reads them, and Markdown does.
package struct FaultTable {
    private let rows: [FaultRow]

    package init(_ rows: [FaultRow]) { self.rows = rows }

    package var text: String {
        let head = [
            "fault", "deliveries", "lost", "duplicates", "bound", "to first resend", "verdict",
        ]
        let cells = [head] + rows.map(Self.cells)
        let widths = head.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        var lines = cells.map { row in
            "| "
                + zip(row, widths).enumerated().map { column, cell in
                    let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                    return (1...5).contains(column) ? padding + cell.0 : cell.0 + padding
                }.joined(separator: " | ") + " |"
        }
        let rule = widths.enumerated().map { column, width in
            String(repeating: "-", count: width - 1) + ((1...5).contains(column) ? ":" : "-")
        }
        lines.insert("| " + rule.joined(separator: " | ") + " |", at: 1)
        return (lines + notes).joined(separator: "\n")
    }

    /// Of the command: 0 when every row passed, 1 when one failed or was not reached, 3 when none failed
    /// and some could not be tried here.
    package func exitCode(of chosen: Int) -> Int32 {
        if rows.count < chosen || rows.contains(where: { $0.verdict == .failed }) { return 1 }
        return rows.contains { $0.verdict == .skipped } ? 3 : 0
    }

    private static func cells(_ row: FaultRow) -> [String] {
        if row.verdict == .skipped {
            return [row.fault, "", "", "", "", "", "skipped: \(row.skipped ?? "")"]
        }
        return [
            row.fault, "\(row.deliveries)", "\(row.lost)", "\(row.duplicates)", "\(row.bound)",
            row.resendText, row.verdict == .passed ? "passed" : "FAILED",
        ]
    }

    private var notes: [String] {
        rows.flatMap { row in
            (row.complaints + row.remarks).map { "\(row.fault): \($0)" }
        }
    }
}

extension FaultRow {
    /// The slowest, and if there were several the middle one.
    fileprivate var resendText: String {
        let sorted = resends.sorted()
        guard let slowest = sorted.last else { return "" }
        guard sorted.count > 1 else { return seconds(slowest) }
        return "\(seconds(sorted[sorted.count / 2])), at most \(seconds(slowest))"
    }

    private func seconds(_ duration: Duration) -> String {
        let tenths = Int((duration / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

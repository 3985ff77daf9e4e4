internal import FoundationEssentials

/// What of the sink's `GET /.sink/report` a run is judged by.
package struct SinkAccount: Equatable, Sendable {
    package var requests: Int
    package var accepted: Int
    package var badSignatures: Int
    /// Requests that stand in no pair: without an id, beyond the limit, or no HTTP.
    package var unaccounted: Int

    /// Nil for what is no report.
    package init?(report: [UInt8]) {
        guard let report = try? JSONDecoder().decode(Report.self, from: Data(report)) else {
            return nil
        }
        (requests, accepted) = (report.requests, report.accepted)
        badSignatures = report.badSignatures.values.reduce(0, +)
        unaccounted = report.withoutID + report.unrecorded + report.malformed
    }

    private struct Report: Decodable {
        var requests: Int
        var accepted: Int
        var badSignatures: [String: Int]
        var withoutID: Int
        var unrecorded: Int
        var malformed: Int
    }
}

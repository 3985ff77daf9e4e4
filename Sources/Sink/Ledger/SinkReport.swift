/// The report of `GET /.sink/report` and of `--report`: these names stay.
package struct SinkReport: Codable, Equatable, Sendable {
    package struct Connections: Codable, Equatable, Sendable {
        package var open: Int
        package var total: Int
    }

    package struct HTTP2: Codable, Equatable, Sendable {
        package var connections: Connections
        package var requests: Int
    }

    /// POSTs to an inbox that came whole, or were refused at their headers.
    package var requests: Int
    /// Answered 2xx.
    package var accepted: Int
    /// Answered otherwise, by status.
    package var refused: [String: Int]
    /// Not answered: hung, reset, closed, abandoned (the client left first).
    package var unanswered: [String: Int]
    package var badSignatures: [String: Int]
    /// Acceptances beyond the first of a pair.
    package var duplicates: Int
    package var orderViolations: Int
    package var orderExamples: [OrderViolation]
    package var activities: Int
    package var inboxes: Int
    package var hosts: Int
    package var pairs: Int
    /// Requests without a top-level id (or without a body): in no pair.
    package var withoutID: Int
    /// Requests beyond the limit of pairs.
    package var unrecorded: Int
    /// What was no HTTP; not in `requests`.
    package var malformed: Int
    /// Over the last ten whole seconds.
    package var requestsPerSecond: Double
    package var tls: Connections
    package var plain: Connections
    /// Of the connections over TLS and of the requests, those of HTTP/2.
    package var http2: HTTP2
    package var rules: Int
    /// Milliseconds since 1970, of this report and of the first and last request.
    package var atMilliseconds: Int64
    package var firstRequestMilliseconds: Int64?
    package var lastRequestMilliseconds: Int64?
}

/// One line of `GET /.sink/pairs`.
struct PairLine: Codable, Equatable {
    let activity: String
    let inbox: String
    let accepted: Int
    /// Which of all acceptances its first was, from 1; 0: none.
    let place: Int
    let requests: Int
    /// Since 1970.
    let firstMilliseconds: Int64
    let lastMilliseconds: Int64
}

/// An activity taken after one that should have followed it.
package struct OrderViolation: Codable, Equatable, Sendable {
    package let host: String
    package let object: String
    package let came: String
    package let after: String
}

/// What a host does with a request that it does not disbelieve.
struct Answer: Equatable, Sendable {
    /// How the exchange goes.
    enum Manner: String, Equatable, Sendable {
        /// Reads the request and answers.
        case respond
        /// Never answers; the connection stays.
        case hang
        /// RST in place of an answer.
        case reset
        /// Closes (TLS: with close_notify) in place of an answer.
        case close
        /// Answers as soon as the headers are read, discards the body, closes.
        case refuseAfterHeaders
    }

    enum RetryAfter: Equatable, Sendable {
        case seconds(Int)
        /// An HTTP date this many seconds from the answer.
        case dateIn(seconds: Int)
        /// Sent as it stands: for what servers should not send.
        case verbatim(String)
    }

    enum Body: Equatable, Sendable {
        case bytes([UInt8])
        /// This many bytes of filler.
        case filler(Int)
        /// Chunks until the client goes.
        case endless
    }

    var manner: Manner = .respond
    var status = 202
    var delayMilliseconds: ClosedRange<Int64> = 0...0
    var retryAfter: RetryAfter?
    var headers: [String: String] = [:]
    /// This many more header lines of 1 kB each.
    var fillerHeaders = 0
    var body: Body = .bytes([])
    /// Between two bytes of the body: a slow-loris that answers.
    var dripMilliseconds: Int64?
    /// Says `Connection: close` and does it.
    var closesAfter = false

    var isAcceptance: Bool { (200..<300).contains(status) }

    /// The plain answers that are the sink's own.
    static func text(_ status: Int, _ words: String) -> Answer {
        Answer(status: status, body: .bytes(Array("\(words)\n".utf8)))
    }
}

import DeliveryCore
import Testing

/// The outcome table of `facts/wire.md`, a row a line.
@Suite struct JudgeTests {
    typealias Item = Verdict.Item

    static func circumstances(
        attempts: Int = 0, profile: SignatureProfile = .draftCavage, knocked: Bool = false,
        reconnected: Bool = false, hostServesOthers: Bool = false
    ) -> Judge.Circumstances {
        Judge.Circumstances(
            attempts: attempts, profile: profile, knocked: knocked, reconnected: reconnected,
            hostServesOthers: hostServesOthers)
    }

    static func verdict(
        _ exchange: Exchange, retryAfter: Duration? = nil,
        _ circumstances: Judge.Circumstances = circumstances(), seed: UInt64 = 1
    ) -> Verdict {
        var random = SeededGenerator(seed: seed)
        return Judge().verdict(
            on: exchange, retryAfter: retryAfter, circumstances, using: &random)
    }

    @Test(arguments: [200, 201, 202, 204, 208, 226, 299])
    func `every 2xx is delivered`(status: Int) {
        #expect(
            Self.verdict(.status(status))
                == Verdict(item: .delivered, host: .alive, reason: "delivered"))
    }

    @Test(arguments: [300, 301, 302, 303, 304, 307, 308])
    func `a signed post is never repeated elsewhere`(status: Int) {
        #expect(
            Self.verdict(.status(status))
                == Verdict(item: .failed, host: .alive, reason: "redirected"))
    }

    @Test(arguments: [400, 402, 405, 406, 409, 411, 413, 414, 415, 418, 422, 431, 451, 501])
    func `what is said of the activity is final and says nothing of the host`(status: Int) {
        #expect(
            Self.verdict(.status(status))
                == Verdict(item: .failed, host: .alive, reason: "rejected"))
    }

    @Test(arguments: [404, 410])
    func `a missing inbox is final`(status: Int) {
        #expect(
            Self.verdict(.status(status))
                == Verdict(item: .failed, host: .alive, reason: "inbox-gone"))
    }

    @Test(arguments: [408, 425])
    func `try again is the delivery's own wait`(status: Int) {
        let verdict = Self.verdict(.status(status))
        #expect(verdict.item.delay != nil)
        #expect(verdict.host == .alive)
        #expect(verdict.reason == "try-again")
    }

    @Test(arguments: [
        (nil, nil), (Duration.seconds(90), Duration.seconds(90)),
        (.zero, .seconds(1)), (.seconds(-5), .seconds(1)), (.milliseconds(10), .seconds(1)),
        (.seconds(21_600), .seconds(21_600)), (.seconds(21_601), .seconds(21_600)),
        (.seconds(10 * 86_400), .seconds(21_600)),
    ])
    func `the asked pause suspends the host, within limits`(asked: Duration?, pause: Duration?) {
        for (status, reason) in [(429, "rate-limited"), (503, "unavailable")] {
            #expect(
                Self.verdict(.status(status), retryAfter: asked)
                    == Verdict(
                        item: .hold, host: .suspended(pause, isAlive: status == 429),
                        reason: reason))
        }
    }

    @Test(arguments: [500, 502, 504, 507, 520, 521, 522, 525, 530, 599])
    func `a server error is tried again and troubles the host`(status: Int) {
        let verdict = Self.verdict(.status(status))
        #expect(verdict.item.delay != nil)
        #expect(verdict.host == .erring)
        #expect(verdict.reason == "server-error")
    }

    @Test(arguments: [
        (0, true, false), (5, true, false), (6, true, true), (200, true, true), (6, false, false),
        (200, false, false),
    ])
    func `the seventh server error is about the activity, if the host serves others`(
        attempts: Int, servesOthers: Bool, isPoison: Bool
    ) {
        let verdict = Self.verdict(
            .status(500),
            Self.circumstances(attempts: attempts, hostServesOthers: servesOthers))
        #expect((verdict.item == .failed) == isPoison)
        #expect((verdict.reason == "poison") == isPoison)
    }

    // MARK: Signatures

    @Test func `an unauthorized draft-cavage signature is made anew by RFC 9421 at once`() {
        #expect(
            Self.verdict(.status(401))
                == Verdict(item: .knockAgain, host: .alive, reason: "unauthorized"))
    }

    @Test(arguments: [
        (401, SignatureProfile.draftCavage, true), (401, .messageSignatures, false),
        (403, .draftCavage, false), (403, .draftCavage, true), (403, .messageSignatures, false),
    ])
    func `nothing else knocks twice`(status: Int, profile: SignatureProfile, knocked: Bool) {
        let verdict = Self.verdict(
            .status(status), Self.circumstances(profile: profile, knocked: knocked))
        #expect(verdict.item == .retry(after: .seconds(600)))
        #expect(verdict.host == .alive)
        #expect(verdict.reason == (status == 401 ? "unauthorized" : "forbidden"))
    }

    @Test(arguments: [400, 404, 405, 408, 410, 413, 422, 429, 500, 503, 301])
    func `only a 401 is worth another signature`(status: Int) {
        #expect(Self.verdict(.status(status)).item != .knockAgain)
    }

    @Test(arguments: [401, 403])
    func `refused twice more, ten minutes and two hours later, it is meant`(status: Int) {
        let items = (0...3).map { attempts in
            Self.verdict(.status(status), Self.circumstances(attempts: attempts, knocked: true))
                .item
        }
        #expect(
            items == [
                .retry(after: .seconds(600)), .retry(after: .seconds(7_200)), .failed, .failed,
            ])
    }

    @Test func `a misdirected request goes once more on a new connection`() {
        #expect(
            Self.verdict(.status(421))
                == Verdict(item: .reconnect, host: .alive, reason: "misdirected"))
        #expect(Self.verdict(.status(421), Self.circumstances(reconnected: true)).item == .failed)
    }

    // MARK: No answer

    @Test(arguments: [
        (TransportFailure.nameUnavailable, false), (.connectFailed, true),
        (.connectTimedOut, true), (.tlsFailed, true), (.timedOut, true), (.connectionLost, false),
        (.malformedAnswer, false),
    ])
    func `a failure below HTTP is tried again`(failure: TransportFailure, isCongestion: Bool) {
        let verdict = Self.verdict(.failed(failure, detail: "x"))
        #expect(verdict.item.delay != nil)
        #expect(verdict.host == .unreachable(isCertain: false, isCongestion: isCongestion))
        #expect(verdict.reason == failure.rawValue)
    }

    @Test(arguments: [TransportFailure.nameNotFound, .certificateInvalid])
    func `what rarely mends soon is certain at once`(failure: TransportFailure) {
        let verdict = Self.verdict(.failed(failure, detail: ""))
        #expect(verdict.item.delay != nil)
        #expect(verdict.host == .unreachable(isCertain: true, isCongestion: false))
    }

    @Test(arguments: [TransportFailure.forbiddenAddress, .notSent])
    func `what must not or cannot be sent is final`(failure: TransportFailure) {
        #expect(
            Self.verdict(.failed(failure, detail: "x"))
                == Verdict(item: .failed, host: .unknown, reason: failure.rawValue))
    }

    @Test func `every failure has its own reason`() {
        let reasons = TransportFailure.allCases.map {
            Self.verdict(.failed($0, detail: "")).reason
        }
        #expect(Set(reasons).count == TransportFailure.allCases.count)
    }
}

extension Verdict.Item {
    fileprivate var delay: Duration? {
        if case .retry(let delay) = self { delay } else { nil }
    }
}

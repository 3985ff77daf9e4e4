internal import DeliveryCore
internal import HTTPSignatures
internal import SigningKeys
internal import Transport

/// Writes and signs the requests of a turn.
///
/// A signature is made when the bytes leave, never before and never twice: receivers allow as
/// little as 30 s (wire rule C10). All of a turn are signed in one batch.
struct RequestComposer {
    struct Composed {
        var transmission: Transmission
        var request: Result<TransferRequest, SigningFailure>
        var algorithm: SignatureAlgorithm?
    }

    private var date = (second: Int64.min, text: [UInt8]())
    /// Of the activity that was signed last: a fan-out's deliveries follow each other.
    private var digest = (hash: [UInt8](), value: [UInt8]())

    /// One result a transmission, in order. A transmission without a loaded activity is a broken
    /// promise of the machine, which asks for activities before it sends.
    ///
    /// - Parameter entering: told which activity comes into hand; nil: several at once.
    mutating func compose(
        _ transmissions: [Transmission], from shelf: ActivityShelf, with ring: inout KeyRing,
        now: Instant, wall: WallTime, entering: (ActivityID?) -> Void
    ) -> [Composed] {
        let date = imfDate(wall)
        let drafts = transmissions.map { transmission -> Draft in
            entering(transmission.activity)
            guard let activity = shelf[transmission.activity] else {
                preconditionFailure("activity \(transmission.activity.rawValue) is not loaded")
            }
            return Draft(
                transmission, activity, date: date, digest: digestValue(activity.digest),
                wall: wall)
        }
        let tasks = drafts.map { SigningTask(keyID: $0.activity.key, bytes: $0.bytesToSign) }
        let signatures = ring.sign(tasks, now: now) { place in
            entering(place.map { transmissions[$0].activity })
        }
        return zip(drafts, signatures).map { draft, signature in
            entering(draft.transmission.activity)
            return Composed(
                transmission: draft.transmission,
                request: signature.map { draft.request(signedWith: $0) },
                algorithm: (try? signature.get())?.algorithm)
        }
    }

    /// The `Date` of this second, written once.
    private mutating func imfDate(_ wall: WallTime) -> [UInt8] {
        let second = wall.milliseconds / 1_000
        if date.second != second { date = (second, HTTPDate.imfFixdate(wall)) }
        return date.text
    }

    private mutating func digestValue(_ hash: [UInt8]) -> [UInt8] {
        if digest.hash != hash { digest = (hash, Digest.value(sha256: hash)) }
        return digest.value
    }

    /// A request with everything but its signature.
    private struct Draft {
        let transmission: Transmission
        let activity: LoadedActivity
        let date: [UInt8]
        private let scheme: Scheme

        /// With room for a long key id.
        private static let usualHeaderBytes = 1_024

        private enum Scheme {
            case draftCavage(DraftCavage.Request)
            case message(MessageSignature, contentDigest: [UInt8])
            case unusable
        }

        init(
            _ transmission: Transmission, _ activity: LoadedActivity, date: [UInt8],
            digest: [UInt8], wall: WallTime
        ) {
            self.transmission = transmission
            self.activity = activity
            self.date = date
            guard let target = try? InboxTarget(url: transmission.url) else {
                // Only parsed URLs reach the inbox table.
                scheme = .unusable
                return
            }
            switch transmission.profile {
            case .draftCavage:
                scheme = .draftCavage(
                    DraftCavage.Request(
                        target: target.requestTarget, host: Array(transmission.host.utf8),
                        date: date, digest: digest))
            case .messageSignatures:
                let digest = Digest.contentDigestValue(sha256: activity.digest)
                scheme = .message(
                    MessageSignature(
                        target: target, contentDigest: digest, keyID: activity.key, created: wall),
                    contentDigest: digest)
            }
        }

        var bytesToSign: [UInt8] {
            switch scheme {
            case .draftCavage(let request): DraftCavage.signingString(request)
            case .message(let signature, _): signature.base
            case .unusable: []
            }
        }

        func request(signedWith made: MadeSignature) -> TransferRequest {
            var headers = HeaderLines()
            headers.reserve(Self.usualHeaderBytes)
            headers.append("Date", date)
            headers.append("Content-Type", activity.contentType.utf8)
            switch scheme {
            case .draftCavage(let request):
                headers.append("Digest", request.digest)
                headers.append(
                    "Signature",
                    DraftCavage.signatureValue(
                        keyID: activity.key, algorithm: made.algorithm, request: request,
                        signature: made.bytes))
            case .message(let signature, let contentDigest):
                headers.append("Content-Digest", contentDigest)
                headers.append("Signature-Input", signature.inputValue)
                headers.append("Signature", signature.signatureValue(made.bytes))
            case .unusable:
                break
            }
            return TransferRequest(
                token: transmission.token.rawValue, url: transmission.url,
                host: transmission.host, headers: headers, body: activity.body)
        }
    }
}

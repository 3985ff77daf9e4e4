internal import DeliveryCore
internal import Glibc
internal import HTTPSignatures
internal import IntakeParsing
internal import SigningKeys

/// The fields of one intake entry, checked before they are sent.
struct OutgoingEntry {
    let fields: [(name: String, value: [UInt8])]
    /// What a worker will make of it.
    let job: Job
    /// Addresses that will get nothing.
    let warnings: [String]

    /// Reads the files and checks everything.
    ///
    /// - Throws: ``CommandFailure`` with the sentence that a worker would reject the entry with.
    init(reading command: EnqueueCommand) throws(CommandFailure) {
        let activity = try FileInput.bytes(
            of: command.activity, limit: IntakeLimits.activityBytes)
        var fields: [(name: String, value: [UInt8])] = [("activity", activity)]
        fields.append(("key", Array(command.key.utf8)))
        if let file = command.to {
            let list = try FileInput.bytes(of: file, limit: IntakeLimits.recipientsBytes)
            fields.append(("to", list))
        }
        if let file = command.exclude {
            let list = try FileInput.bytes(of: file, limit: IntakeLimits.excludedBytes)
            fields.append(("exclude", list))
        }
        let texts = [
            ("audience", command.audience), ("id", command.id), ("object", command.object),
            ("expires", command.expires?.field), ("sync", command.sync),
            ("contentType", command.contentType),
        ]
        for (name, text) in texts {
            if let text { fields.append((name, Array(text.utf8))) }
        }
        self.fields = fields
        do {
            job = try IntakeParser().parse(
                fields: fields, lane: command.lane.lane, entry: .zero,
                digest: SHA256.hash(activity))
        } catch {
            throw .failed("not enqueued: \(error.reason)")
        }
        warnings = try Self.judge(job.audience) + Self.judge(job.expires)
    }

    /// nil: PostgreSQL knows.
    var recipientCount: Int? {
        if case .recipients(let recipients) = job.audience { recipients.count } else { nil }
    }

    private static func judge(_ expires: WallTime?) -> [String] {
        guard let expires, expires.milliseconds / 1_000 <= Int64(time(nil)) else { return [] }
        return [
            "it has expired already, at \(timestamp(timespec(expires))): nobody gets it; --expires "
                + "takes seconds since 1970, or a span from now as in 6h"
        ]
    }

    /// A worker sets unusable addresses aside one by one; an audience of nothing else is a mistake.
    private static func judge(_ audience: AudienceReference) throws(CommandFailure) -> [String] {
        guard case .recipients(let recipients) = audience else { return [] }
        let unusable = recipients.map(\.inbox).filter { (try? InboxTarget(url: $0)) == nil }
        guard let first = unusable.first else { return [] }
        let example = "`\(String(first.prefix(100)).printable)`"
        guard unusable.count < recipients.count else {
            throw .failed(
                "not enqueued: no recipient can be reached: \(example) is not an inbox URL; write "
                    + "https://HOST/PATH, host names in ASCII (punycode)")
        }
        return [
            "\(unusable.count) of \(recipients.count) recipients will get nothing, for their "
                + "inbox is no http or https URL in ASCII, the first: \(example)"
        ]
    }
}

extension timespec {
    fileprivate init(_ time: WallTime) {
        self.init(
            tv_sec: Int(time.milliseconds / 1_000),
            tv_nsec: Int(time.milliseconds % 1_000) * 1_000_000)
    }
}

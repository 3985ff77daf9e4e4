internal import DeliveryCore
internal import IntakeParsing
internal import SigningKeys

extension Operation {
    static var parsing: [Operation] { [1, 1_000].map(parsing(recipients:)) }

    /// An entry as a main server writes it; the digest of its activity is at hand.
    private static func parsing(recipients: Int) -> Operation {
        Operation("parse-to-\(recipients)") { () throws(Flaw) in
            let (activity, parser) = (SampleActivity.bytes, IntakeParser())
            let fields: [(name: String, value: [UInt8])] = [
                ("activity", activity), ("key", Array(SampleActivity.key.utf8)),
                ("to", Array(list(of: recipients).utf8)),
            ]
            let (entry, digest) = (StreamID(milliseconds: 1, sequence: 0), SHA256.hash(activity))
            return (
                body: {
                    try? parser.parse(fields: fields, lane: .normal, entry: entry, digest: digest)
                },
                isRight: { job in
                    guard let job, case .recipients(let found) = job.audience else { return false }
                    return job.activityID == SampleActivity.id && job.activity == activity
                        && found.count == recipients && Set(found).count == recipients
                }
            )
        }
    }

    /// Each of another host, with a shared inbox.
    private static func list(of recipients: Int) -> String {
        let all = (1...recipients).map { number in
            let host = "https://h\(number).fedi.localhost"
            return #"{"inbox":"\#(host)/users/bob/inbox","sharedInbox":"\#(host)/inbox"}"#
        }
        return "[\(all.joined(separator: ","))]"
    }
}

internal import ArgumentParser
internal import Glibc
internal import RedisQueue

/// `trunkline rejected`
struct RejectedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected",
        abstract: "Shows the intake entries that were set aside as malformed, and why.",
        discussion: """
            About the last 10,000 are kept, each field cut to 1,024 bytes. A rejected entry is \
            never delivered: mend the producer and enqueue anew. Times are UTC.

              trunkline rejected --limit 5
              trunkline rejected --json | jq -r '.entries[].reason'

            --json: {"total", "entries": [{"id", "lane", "at", "code", "reason", "activity", \
            "fields": {NAME: TEXT}}]}, the newest first; "activity" is the id in the body, or null.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most entries that are shown.", valueName: "n"))
    var limit = 20

    @Flag(help: "Print everything as JSON.")
    var json = false

    func validate() throws {
        if !(1...100_000).contains(limit) { throw ValidationError("--limit takes 1 to 100000.") }
    }

    func run() throws {
        let client = try connection.connectToRedis()
        let entries: [RejectedRecord]
        let total: Int
        do {
            entries = try client.rejectedEntries(limit: limit)
            total = Int(try client.command(["XLEN", client.keys.rejected]).integer ?? 0)
        } catch {
            throw CommandFailure.failed("Redis: \(error.sentence)")
        }
        if json { return print(describe(entries, total).indented) }
        guard !entries.isEmpty else { return print("nothing was rejected") }
        var table = TextTable(["AT", "ENTRY", "LANE", "CODE", "ACTIVITY", "REASON"])
        for entry in entries {
            table.add([
                Self.time(entry.at), entry.id, entry.lane, entry.code, entry.activityID,
                entry.reason,
            ])
        }
        print(table.text)
        if total > entries.count { print("... and \(total - entries.count) more (--limit)") }
    }

    private func describe(_ entries: [RejectedRecord], _ total: Int) -> JSON {
        .object([
            ("total", .integer(total)),
            (
                "entries",
                .array(
                    entries.map { entry in
                        .object([
                            ("id", .string(entry.id)), ("lane", .string(entry.lane)),
                            ("at", .string(Self.time(entry.at))), ("code", .string(entry.code)),
                            ("reason", .string(entry.reason)),
                            ("activity", .optional(entry.activityID)),
                            ("fields", .object(entry.fields.map { ($0.name, .string($0.value)) })),
                        ])
                    })
            ),
        ])
    }

    private static func time(_ milliseconds: Int64) -> String {
        timestamp(
            timespec(
                tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds % 1_000) * 1_000_000))
    }
}

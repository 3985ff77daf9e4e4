import Foundation
import Testing

@testable import trunkline

/// `run --config FILE`: what may stand in it, and who beats whom.
@Suite struct ConfigTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func file(_ lines: String...) throws -> String {
        try scratch.write(lines.joined(separator: "\n") + "\n", to: "trunkline.conf")
    }

    /// Rows of --print-config by setting: value and origin.
    private func inForce(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> [String: [String]] {
        let result = try Trunkline.run(
            ["run", "--print-config"] + arguments, environment: environment)
        #expect(result.output.hasPrefix("SETTING "), "\(result.errors)")
        var rows: [String: [String]] = [:]
        for line in result.output.split(separator: "\n").dropFirst() {
            let cells = line.split(separator: "  ").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(cells.count == 3, "\(line)")
            if cells.count == 3 { rows[cells[0]] = [cells[1], cells[2]] }
        }
        return rows
    }

    @Test func `the file holds every option of run and no other`() throws {
        let dump = try Trunkline.run(["--experimental-dump-help"]).json()
        let root = try #require(dump["command"] as? [String: Any])
        let commands = try #require(root["subcommands"] as? [[String: Any]])
        let run = try #require(commands.first { $0["commandName"] as? String == "run" })
        let arguments = try #require(run["arguments"] as? [[String: Any]])
        var known: [String: [String: Any]] = [:]
        for argument in arguments {
            let names = argument["names"] as? [[String: Any]] ?? []
            for name in names where name["kind"] as? String == "long" {
                known[try #require(name["name"] as? String)] = argument
            }
        }
        for name in ["help", "version", "config", "print-config"] { known[name] = nil }
        #expect(Set(known.keys) == Set(Setting.all.map(\.name)))
        for setting in Setting.all {
            let argument = try #require(known[setting.name])
            #expect((argument["kind"] as? String == "flag") == (setting.kind == .flag))
            #expect(
                (argument["isRepeating"] as? Bool == true) == (setting.kind == .repeatable),
                "\(setting.name)")
        }
    }

    @Test func `the shipped example is in order`() throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../deploy/trunkline.conf").standardized
        let rows = try inForce(["--config", example.path])
        #expect(rows["instance-domain"]?.first == "our.example")
        #expect(rows["workers"]?.first == "4")
        #expect(rows["database"]?.first == "host=/run/postgresql dbname=trunkline")
        // What it only mentions is in order, too.
        let text = try String(contentsOf: example, encoding: .utf8)
        let uncommented = text.replacing("\n#allow-address", with: "\nallow-address")
        let file = try SettingsFile(path: "f", text: uncommented)
        #expect(file.lines.filter { $0.name == "allow-address" }.count == 2)
    }

    @Test func `the command line beats the environment beats the file`() throws {
        let path = try file(
            "# a comment", "", "  workers=3", "slots = 17", "instance-domain = file.example",
            "redis = redis://file.example/1", "log-format = json", "allow-plain-http = true",
            "allow-address = 10.0.0.0/8", "allow-address = 192.168.0.0/16")
        let rows = try inForce(
            ["--config", path, "--slots", "5"],
            environment: ["TRUNKLINE_INSTANCE_DOMAIN": "env.example"])
        #expect(rows["slots"] == ["5", "command line"])
        #expect(
            rows["instance-domain"] == ["env.example", "environment TRUNKLINE_INSTANCE_DOMAIN"])
        #expect(rows["workers"] == ["3", "\(path):3"])
        #expect(rows["redis"] == ["redis://file.example:6379/1", "\(path):6"])
        #expect(rows["log-format"] == ["json", "\(path):7"])
        #expect(rows["allow-plain-http"] == ["true", "\(path):8"])
        #expect(rows["allow-address"] == ["10.0.0.0/8, 192.168.0.0/16", "\(path):9, 10"])
        #expect(rows["request-timeout"] == ["30", "default"])
        #expect(rows["ca-file"] == ["(not set)", "default"])
    }

    private static let whole = """
        instance-domain = our.example
        redis = redis://:hunter2@127.0.0.1/0
        database = dbname=x

        """

    @Test(arguments: [
        ("", "", ""), ("instance-domain", "", "which instance is this for?"),
        ("redis", "", "where is Redis?"), ("database", "", "where is PostgreSQL?"),
        ("", "ca-file = /nowhere.pem", "/nowhere.pem"),
        ("", "key-directory = /nowhere", "correct --key-directory"),
    ])
    func `--print-config shows what is there, and refuses what run would`(
        without: String, with: String, sentence: String
    ) throws {
        let lines = Self.whole.split(separator: "\n").filter {
            without.isEmpty || !$0.hasPrefix(without)
        }
        let path = try file(lines.joined(separator: "\n"), with)
        let result = try Trunkline.run(["run", "--print-config", "--config", path])
        #expect((result.code == 0) == sentence.isEmpty, "\(result.errors)")
        #expect(result.output.hasPrefix("SETTING "))
        if !sentence.isEmpty { #expect(result.errors.contains(sentence)) }
        if without != "redis" { #expect(result.output.contains("redis://:***@127.0.0.1:6379/0")) }
    }

    @Test func `a form of the log that there is not is refused in the variable, too`() throws {
        let path = try file(Self.whole)
        for flags in [[], ["--print-config"]] {
            let result = try Trunkline.run(
                ["run", "--config", path] + flags, environment: ["TRUNKLINE_LOG_FORMAT": "xml"])
            #expect(result.code == 2)
            #expect(result.errors.contains("TRUNKLINE_LOG_FORMAT is `xml`: it takes text or json"))
        }
    }

    @Test func `a flag that may be repeated replaces the file's`() throws {
        let path = try file("allow-address = 10.0.0.0/8")
        let rows = try inForce(["--config=\(path)", "--allow-address=192.168.0.0/16"])
        #expect(rows["allow-address"] == ["192.168.0.0/16", "command line"])
    }

    @Test(arguments: [
        ([], "3d"), (["retry-for = 36h"], "36h"), (["retry-for = 24h"], "1d"),
        (["retry-for = bulk=12h, backfill=1d"], "3d,bulk=12h,backfill=1d"),
        (["retry-for = bulk=12h", "retry-for = 2d"], "2d,bulk=12h"),
        (["retry-for = urgent=3d,bulk=3d"], "3d"),
    ])
    func `how long deliveries are tried is said for all lanes, or for some`(
        lines: [String], inForce text: String
    ) throws {
        let rows = try inForce(["--config", try file(lines.joined(separator: "\n"))])
        #expect(rows["retry-for"]?.first == text)
    }

    @Test func `a state directory of the environment beats the file's servers`() throws {
        let path = try file("redis = redis://file.example/1")
        let rows = try inForce(
            ["--config", path], environment: ["TRUNKLINE_STATE_DIRECTORY": "/tmp/state"])
        #expect(rows["redis"]?.first == "(not set)")
        #expect(rows["state-directory"]?.first == "/tmp/state")
    }

    @Test func `other commands take from it where the servers are, and leave the rest`() throws {
        let path = try file("slots = 3\nredis = redis://127.0.0.1:1\nkey-prefix = mine:")
        let result = try Trunkline.run(["rejected", "--config", path])
        #expect(result.code == 1)
        #expect(result.errors.contains("127.0.0.1:1"), "\(result.errors)")
        let missing = try Trunkline.run(["rejected", "--config", "/nowhere.conf"])
        #expect(missing.code == 1 && missing.errors.contains("/nowhere.conf"))
    }

    @Test(arguments: [
        ("workers = 2\nworkerz = 3", ":2: there is no `workerz`; did you mean `workers`?"),
        ("request_timeout = 3", "did you mean `request-timeout`?"),
        ("--slots = 3", "did you mean `slots`?"),
        ("slots = 1\n\nslots = 2", ":3: `slots` stands in line 1 already"),
        ("slots = many", ":1: `slots`: The value 'many' is invalid"),
        ("slots = 0", ":1: `slots`: --slots takes a number from 1 up."),
        ("workers = 0", "--workers takes a number from 1 up."),
        ("embedded = yes", "it takes true or false"),
        ("log-format = xml", ":1: `log-format`: "),
        ("retain-days = 0", "--retain-days takes"),
        ("retry-for = 3 days", ":1: `retry-for`: The value '3 days' is invalid"),
        ("retry-for = bulk=1h,bulk=2h", ":1: `retry-for`: --retry-for names bulk twice."),
        ("allow-address = nonsense", "is no address range"),
        ("redis = http://h", ":1: `redis`: unknown scheme"),
        ("workers = -1", ":1: `workers`: --workers takes a number from 1 up."),
        ("workers = 3 # three", "a comment takes a line of its own"),
        ("instance-domain = our.example # we", "a comment takes a line of its own"),
        ("admin = foo", "give HOST:PORT"),
        ("slots =", "it has no value"),
        ("slots", "no `=` in this line"),
    ])
    func `a mistake is told with its file and line`(text: String, sentence: String) throws {
        let path = try file(text)
        let result = try Trunkline.run(["run", "--config", path])
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("\(path):"), "\(result.errors)")
        #expect(result.errors.contains(sentence), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test func `a file that is not there is named`() throws {
        let result = try Trunkline.run(["run", "--config", "/tmp/nowhere.conf"])
        #expect(result.code == 1)
        #expect(result.errors.contains("/tmp/nowhere.conf can't be read"))
    }

    @Test(arguments: [
        ("host=db user=t password=hunter2 dbname=x", "host=db user=t password=*** dbname=x"),
        ("password = 'hunter2 \\' x' host=db", "password=*** host=db"),
        ("postgresql://t:hunter2@db:5432/x", "postgresql://t:***@db:5432/x"),
        ("postgresql://t@db/x?password=hunter2&a=b", "postgresql://t@db/x?password=***&a=b"),
        ("postgresql://db/x?sslpassword=hunter2", "postgresql://db/x?sslpassword=***"),
        ("postgresql://t:a/hunter2@db:5432/x?a=b", "postgresql://***@db:5432/x?a=b"),
        ("postgresql://t:a?hunter2@db/x", "postgresql://t:***@db/x"),
        ("postgresql://t:a/hunter2?x@db/y", "postgresql://***@db/y"),
        ("postgresql://t:a@hunter2@db/x", "postgresql://***@db/x"),
        ("postgresql://t@db/x?user=a@b&a=b", "postgresql://t@db/x?user=a@b&a=b"),
        ("dbname=trunkline", "dbname=trunkline"),
    ])
    func `no password is shown`(text: String, shown: String) throws {
        #expect(Secrets.redacted(database: text) == shown)
        let path = try file(
            "database = \(text)", "redis = redis://u:hunter2@127.0.0.1/0")
        let rows = try inForce(["--config", path])
        #expect(rows["database"]?.first == shown)
        #expect(rows["redis"]?.first == "redis://u:***@127.0.0.1:6379/0")
    }
}

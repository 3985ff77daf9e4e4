import Testing

/// What can't work is refused with code 2, before anything is done.
@Suite struct UsageTests {
    @Test(arguments: [
        "migrate", "activity x", "host x", "hosts", "rejected", "doctor", "keys list",
    ])
    func `without a server all three ways to name one are told`(command: String) throws {
        let result = try Trunkline.run(command.split(separator: " ").map(String.init))
        #expect(result.code == 2)
        #expect(result.errors.contains("where is "))
        for way in ["--state-directory DIR", "TRUNKLINE_", "in the environment"] {
            #expect(result.errors.contains(way))
        }
    }

    @Test(arguments: [
        ("enqueue --activity a --key k", "--to FILE"),
        ("enqueue --activity a --key k --to b --audience c", "either --to FILE"),
        ("enqueue --activity - --key k --to -", "Standard input"),
        ("enqueue --activity a --key k --to b --lane backfill", "'urgent', 'normal' or 'bulk'"),
        ("enqueue --activity a --key k --to b --expires tomorrow", "90s, 30m, 6h, 2d"),
        ("enqueue --activity a --key k --to b --expires -5", "--expires"),
        (
            "enqueue --activity a --key k --to b --expires 1900000000000",
            "digits alone are seconds since 1970, not milliseconds"
        ),
        (
            "enqueue --activity a --key k --to b --expires 36501d",
            "'--expires <time>': that is more than 100 years ahead: give a shorter time"
        ),
        ("keys add --key-id https://a.example/k", "--generate rsa|ed25519"),
        ("keys add --key-id https://a.example/k --pem f --generate rsa", "either --pem"),
        ("keys add --key-id https://a.example/k --generate dsa", "'rsa' and 'ed25519'"),
        ("keys add --key-id http://a.example/k --generate rsa", "is not an https URL"),
        ("keys public --key-id https://a.example/k,b", "contains ','"),
        ("migrate --partitions 0", "--partitions takes"),
        ("activity x --limit -1", "--limit takes 0 or more"),
        ("host x --limit -1", "--limit takes 0 to 10000"),
        ("hosts --limit -1", "--limit takes 1 or more"),
        ("rejected --limit -1", "--limit takes 1 to 100000"),
        ("run --instance-domain x --workers -2", "--workers takes a number from 1 up"),
        ("run --instance-domain x --slots -2", "--slots takes a number from 1 up"),
        ("run --instance-domain x --request-timeout -2", "--request-timeout takes a number"),
        ("run --instance-domain x --request-timeout 3601", "from 1 to 3600"),
        (
            "run --instance-domain x --connection-memory 0",
            "--connection-memory takes a number of MB"
        ),
        ("run --instance-domain x --retain-days -2", "--retain-days takes a number of days"),
        ("run --instance-domain x --retry-for soon", "The value 'soon' is invalid"),
        ("run --instance-domain x --retry-for 3", "The value '3' is invalid"),
        ("run --instance-domain x --retry-for -3d", "--retry-for"),
        ("run --instance-domain x --retry-for slow=3d", "The value 'slow=3d' is invalid"),
        ("run --instance-domain x --retry-for bulk=", "The value 'bulk=' is invalid"),
        ("run --instance-domain x --retry-for 3d,", "The value '3d,' is invalid"),
        ("run --instance-domain x --retry-for 30s", "takes times from 1m to 365d, not 30s"),
        ("run --instance-domain x --retry-for bulk=400d", "from 1m to 365d, not 400d"),
        ("run --instance-domain x --retry-for 1d,2d", "names the time for all lanes twice"),
        ("run --instance-domain x --retry-for bulk=1d,bulk=2d", "names bulk twice"),
        ("run --admin foo", "give HOST:PORT, as 127.0.0.1:9464, or off"),
        ("run --admin :9464", "give HOST:PORT"),
        ("limit x --per-second -1", "--per-second takes 0.001 to 100000"),
        ("migrate --partitions -1", "--partitions takes"),
        ("sink --state-directory d --http-port -1", "0 to 65535, not -1"),
        ("sink --state-directory d --threads -1", "--threads takes 1 to 64"),
        ("hosts --state broken", "'closed', 'open' or 'dead'"),
        ("doctor --redis http://127.0.0.1", "redis://"),
        ("doctor --redis rediss://127.0.0.1", "TLS to Redis is not supported"),
        ("rejected --redis redis://h --key-prefix a{b", "--key-prefix"),
        ("sink --state-directory d --https-port 70000", "65535"),
    ])
    func `a mistake is named`(line: String, sentence: String) throws {
        let result = try Trunkline.run(line.split(separator: " ").map(String.init))
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains(sentence), "\(result.errors)")
    }

    @Test(arguments: ["run", "worker"])
    func `authorities that cannot be read are told before anything is started`(
        command: String
    ) throws {
        let result = try Trunkline.run([
            command, "--instance-domain", "our.example", "--ca-file", "/nowhere/ca.pem",
            "--redis", "redis+unix:///nowhere/redis.sock", "--database", "host=/nowhere",
        ])
        #expect(result.code == 1)
        #expect(
            result.errors.contains(
                "/nowhere/ca.pem cannot be read as PEM certificates of authorities: "
                    + "No such file or directory"), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test(arguments: ["https://our.example", "\"our.example\"", "our example", "our.example/"])
    func `an instance domain that is no name of a host is refused`(domain: String) throws {
        let result = try Trunkline.run([
            "run", "--instance-domain", domain, "--redis", "redis+unix:///nowhere/redis.sock",
            "--database", "host=/nowhere",
        ])
        #expect(result.code == 2)
        #expect(result.errors.contains("is no name of a host"), "\(result.errors)")
    }

    @Test func `a key directory that cannot be read is told before anything is started`() throws {
        let result = try Trunkline.run([
            "run", "--instance-domain", "our.example", "--key-directory", "/nowhere",
            "--redis", "redis+unix:///nowhere/redis.sock", "--database", "host=/nowhere",
        ])
        #expect(result.code == 1)
        #expect(result.errors.contains("/nowhere cannot be read (No such file or directory)"))
        #expect(result.errors.contains("--key-directory"))
    }

    @Test(arguments: ["/dev/null/sink", "/proc/sink", "/dev/null"])
    func `a sink without a usable state directory says so in one line`(directory: String) throws {
        let result = try Trunkline.run(["sink", "--state-directory", directory])
        #expect(result.code == 1)
        #expect(result.errors.contains("the state directory \(directory) cannot be used: "))
        #expect(result.errors.contains("--state-directory"))
        #expect(!result.errors.contains("Error Domain"))
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test func `a flag beats the environment`() throws {
        let result = try Trunkline.run(
            ["rejected", "--redis", "redis+unix:///tmp/flag.sock"],
            environment: ["TRUNKLINE_REDIS_URL": "redis+unix:///tmp/variable.sock"])
        #expect(result.code == 1)
        #expect(result.errors.contains("/tmp/flag.sock"))
    }

    @Test func `the flag of a state directory beats the variable of a server`() throws {
        let result = try Trunkline.run(
            ["rejected", "--state-directory", "/tmp/nowhere"],
            environment: ["TRUNKLINE_REDIS_URL": "redis+unix:///tmp/variable.sock"])
        #expect(result.errors.contains("/tmp/nowhere/redis.sock"))
    }

    @Test func `of two variables the server's own wins`() throws {
        let result = try Trunkline.run(
            ["rejected"],
            environment: [
                "TRUNKLINE_REDIS_URL": "redis+unix:///tmp/variable.sock",
                "TRUNKLINE_STATE_DIRECTORY": "/tmp/nowhere",
            ])
        #expect(result.errors.contains("/tmp/variable.sock"))
    }

    @Test func `an empty variable counts as not set`() throws {
        let result = try Trunkline.run(["rejected"], environment: ["TRUNKLINE_REDIS_URL": ""])
        #expect(result.code == 2)
    }

    @Test func `a state directory that is too long for its socket is refused`() throws {
        let long = "/tmp/" + String(repeating: "d", count: 120)
        let result = try Trunkline.run(["rejected", "--state-directory", long])
        #expect(result.code == 2)
        #expect(result.errors.contains("choose a shorter one"))
    }

    @Test func `a password is never repeated`() throws {
        let url = "redis://user:hunter2@127.0.0.1:1/0"
        for command in ["rejected", "doctor --database host=/tmp/nowhere"] {
            let words = command.split(separator: " ").map(String.init)
            let result = try Trunkline.run(words + ["--redis", url])
            #expect(result.code == 1)
            #expect(!(result.output + result.errors).contains("hunter2"))
        }
    }
}

/// Which target may import which: the architecture, as a table that a test holds.
enum ImportTable {
    /// Modules of the toolchain and of packages that any target may use.
    static let everywhere: Set<String> = ["Testing"]

    /// A target that is not named here may not exist.
    static let allowed: [String: Set<String>] = [
        // Pure: no I/O, clock, chance, pointers, Foundation.
        "DeliveryCore": ["DequeModule", "HeapModule"],
        "HTTPSignatures": ["DeliveryCore"],
        "Simulation": ["DeliveryCore", "DequeModule", "HeapModule"],
        "Telemetry": ["DeliveryCore"],
        // A benchmark's plan and figures: files are JSON, and Zipf needs powers.
        "Bench": ["FoundationEssentials", "Glibc"],

        // Adapters: each its own C library, never each other.
        "EventLoop": ["CUV", "DeliveryCore", "Glibc"],
        "RedisQueue": ["CHiredis", "DequeModule", "DeliveryCore", "EventLoop", "Glibc"],
        "PostgresStore": ["CPostgres", "DeliveryCore", "EventLoop", "Glibc"],
        "Transport": ["CCurl", "DeliveryCore", "EventLoop", "Glibc"],
        "SigningKeys": ["CCrypto", "DeliveryCore", "HTTPSignatures", "Glibc"],
        "IntakeParsing": ["CJSON", "DeliveryCore", "HTTPSignatures", "Glibc"],
        "Scoreboard": ["CProcess", "DeliveryCore", "Glibc", "Synchronization", "Telemetry"],

        "WorkerRuntime": [
            "DeliveryCore", "EventLoop", "Glibc", "HTTPSignatures", "IntakeParsing", "Logging",
            "PostgresStore", "RedisQueue", "Scoreboard", "SigningKeys", "Telemetry", "Transport",
        ],
        "Supervision": [
            "CProcess", "DeliveryCore", "Dispatch", "Glibc", "Logging", "Scoreboard",
            "Synchronization", "Telemetry",
        ],
        "AdminServer": [
            "DeliveryCore", "Glibc", "Hummingbird", "HummingbirdCore", "Logging", "NIOCore",
            "Scoreboard", "Telemetry",
        ],
        "Sink": [
            "CSinkCrypto", "Dispatch", "FoundationEssentials", "Glibc", "NIOCore", "NIOHTTP1",
            "NIOHTTP2", "NIOPosix", "NIOSSL", "Synchronization",
        ],
        "trunkline": [
            "AdminServer", "ArgumentParser", "Bench", "DeliveryCore", "Dispatch", "Glibc",
            "HTTPSignatures", "IntakeParsing", "Logging", "PostgresStore", "RedisQueue",
            "Scoreboard", "SigningKeys", "Simulation", "Sink", "Supervision", "Synchronization",
            "Telemetry",
            "Transport", "WorkerRuntime",
        ],
    ]

    /// C shims have no Swift in them.
    static let shims: Set<String> = [
        "CCrypto", "CCurl", "CHiredis", "CJSON", "CPostgres", "CProcess", "CSinkCrypto", "CUV",
    ]
}

extension ImportTable {
    /// Files in which a banned word is right, each with its reason beside it in the file.
    static let exceptions: [String: Set<String>] = [
        "@unchecked Sendable": [
            "Sources/Scoreboard/Scoreboard.swift", "Sources/Sink/Keys/PublicKey.swift",
        ],
        // Timers of the supervisor, which is async; a worker has its loop's.
        "Task.sleep": ["Sources/Supervision/Workers/WorkerPool.swift"],
    ]
}

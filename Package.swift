// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: the upcoming features that keep imports and existentials honest.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// Targets without I/O: a pointer there is a warning, and a warning does not build.
let pure: [SwiftSetting] = common + [.strictMemorySafety()]

/// What decoders stand in.
let fuzzed: [Target.Dependency] = [
    "CHiredis", "DeliveryCore", "HTTPSignatures", "IntakeParsing", "PostgresStore", "RedisQueue",
    "Sink", "Transport",
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]

let package = Package(
    name: "trunkline",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        // C shims: a module map and typed wrappers, each imported by its one adapter.
        .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev", "libssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSinkCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CProcess"),
        .target(
            name: "CJSON",
            cxxSettings: [.define("SIMDJSON_EXCEPTIONS", to: "0")],
            linkerSettings: [.linkedLibrary("simdjson")]),

        // Pure: events in, actions out; bytes in, bytes out.
        .target(
            name: "DeliveryCore",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: pure),
        .target(
            name: "Simulation",
            dependencies: [
                "DeliveryCore",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: pure),
        .target(name: "HTTPSignatures", dependencies: ["DeliveryCore"], swiftSettings: pure),
        .target(name: "Telemetry", dependencies: ["DeliveryCore"], swiftSettings: pure),
        .target(name: "Bench", swiftSettings: pure),

        // Adapters: each its own library, never each other.
        .target(name: "EventLoop", dependencies: ["CUV", "DeliveryCore"], swiftSettings: common),
        .target(
            name: "RedisQueue",
            dependencies: [
                "CHiredis", "DeliveryCore", "EventLoop",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            resources: [.embedInCode("Scripts")],
            swiftSettings: common),
        .target(
            name: "PostgresStore",
            dependencies: ["CPostgres", "DeliveryCore", "EventLoop"],
            resources: [
                .embedInCode("Migrations/m0001_init.sql"),
                .embedInCode("Migrations/m0002_partitions.sql"),
                .embedInCode("Migrations/m0003_delivery.sql"),
                .embedInCode("Migrations/m0004_paused_senders.sql"),
                .embedInCode("Migrations/m0005_owing.sql"),
                .embedInCode("Migrations/m0006_crashes.sql"),
                .embedInCode("Migrations/m0007_fence.sql"),
                .embedInCode("Migrations/m0008_cheaper_activities.sql"),
                .embedInCode("Migrations/m0009_ids_and_days.sql"),
            ],
            swiftSettings: common),
        .target(
            name: "Transport", dependencies: ["CCurl", "DeliveryCore", "EventLoop"],
            swiftSettings: common),
        .target(
            name: "SigningKeys", dependencies: ["CCrypto", "DeliveryCore", "HTTPSignatures"],
            swiftSettings: common),
        .target(
            name: "IntakeParsing", dependencies: ["CJSON", "DeliveryCore", "HTTPSignatures"],
            swiftSettings: common),

        // The worker process.
        .target(
            name: "WorkerRuntime",
            dependencies: [
                "DeliveryCore", "EventLoop", "HTTPSignatures", "IntakeParsing", "PostgresStore",
                "RedisQueue", "Scoreboard", "SigningKeys", "Telemetry", "Transport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        .target(
            name: "Scoreboard", dependencies: ["CProcess", "DeliveryCore", "Telemetry"],
            swiftSettings: common),

        // Around the workers.
        .target(
            name: "Supervision",
            dependencies: [
                "CProcess", "DeliveryCore", "Scoreboard", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        .target(
            name: "AdminServer",
            dependencies: [
                "DeliveryCore", "Scoreboard", "Telemetry",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: common),
        .target(
            name: "Sink",
            dependencies: [
                "CSinkCrypto",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: common),
        .executableTarget(
            name: "trunkline",
            dependencies: [
                "AdminServer", "Bench", "DeliveryCore", "HTTPSignatures", "IntakeParsing",
                "PostgresStore", "RedisQueue", "Scoreboard", "SigningKeys", "Simulation", "Sink",
                "Supervision", "Telemetry", "Transport", "WorkerRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),

        // One folder a target, and the source tree itself.
        .target(
            name: "TestSupport", dependencies: ["RedisQueue", "Supervision"],
            path: "Tests/TestSupport",
            swiftSettings: common),
        .testTarget(
            name: "DeliveryCoreTests", dependencies: ["DeliveryCore"], swiftSettings: common),
        .testTarget(
            name: "SimulationTests", dependencies: ["DeliveryCore", "Simulation"],
            swiftSettings: common),
        .testTarget(
            name: "HTTPSignaturesTests", dependencies: ["DeliveryCore", "HTTPSignatures"],
            swiftSettings: common),
        .testTarget(
            name: "TelemetryTests", dependencies: ["DeliveryCore", "Telemetry"],
            swiftSettings: common),
        .testTarget(name: "BenchTests", dependencies: ["Bench"], swiftSettings: common),
        .testTarget(
            name: "RedisQueueTests",
            dependencies: ["DeliveryCore", "EventLoop", "RedisQueue", "TestSupport"],
            swiftSettings: common),
        .testTarget(
            name: "PostgresStoreTests",
            dependencies: ["DeliveryCore", "EventLoop", "PostgresStore", "TestSupport"],
            swiftSettings: common),
        .testTarget(
            name: "TransportTests",
            dependencies: ["CCurl", "DeliveryCore", "EventLoop", "TestSupport", "Transport"],
            swiftSettings: common),
        .testTarget(
            name: "SigningKeysTests",
            dependencies: ["DeliveryCore", "HTTPSignatures", "SigningKeys", "TestSupport"],
            swiftSettings: common),
        .testTarget(
            name: "IntakeParsingTests",
            dependencies: ["DeliveryCore", "HTTPSignatures", "IntakeParsing"],
            swiftSettings: common),
        .testTarget(
            name: "WorkerRuntimeTests",
            dependencies: [
                "DeliveryCore", "EventLoop", "HTTPSignatures", "PostgresStore", "RedisQueue",
                "SigningKeys", "Supervision", "Transport", "WorkerRuntime",
            ],
            swiftSettings: common),
        .testTarget(
            name: "ScoreboardTests", dependencies: ["DeliveryCore", "Scoreboard", "Telemetry"],
            swiftSettings: common),
        .testTarget(
            name: "SupervisionTests",
            dependencies: [
                "DeliveryCore", "Scoreboard", "Supervision", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "AdminServerTests",
            dependencies: [
                "AdminServer", "DeliveryCore", "Scoreboard", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "SinkTests", dependencies: ["Sink", "TestSupport"], swiftSettings: common),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "DeliveryCore", "PostgresStore", "RedisQueue", "Supervision", "TestSupport",
                "trunkline",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "DeliveryCore", "EventLoop", "HTTPSignatures", "PostgresStore", "RedisQueue",
                "SigningKeys", "Simulation", "Supervision", "TestSupport", "Transport",
                "WorkerRuntime",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: common),
        // What goes wrong, and what it may cost: for the tests, and for deploy/faults.
        .target(
            name: "FaultHarness",
            dependencies: [
                "DeliveryCore", "PostgresStore", "RedisQueue", "Supervision", "TestSupport",
            ],
            path: "Tests/FaultHarness", swiftSettings: common),
        .executableTarget(
            name: "faults",
            dependencies: [
                "FaultHarness",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/faults", swiftSettings: common),
        // The simulation, seed after seed: for deploy/seeds.
        .executableTarget(
            name: "seeds",
            dependencies: [
                "Simulation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/seeds", swiftSettings: common),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "DeliveryCore", "FaultHarness", "PostgresStore", "RedisQueue", "Supervision",
                "TestSupport",
            ],
            swiftSettings: common),
        .testTarget(
            name: "FuzzTests", dependencies: fuzzed, path: "Tests/FuzzTests",
            exclude: ["Driver", "Seeds"], swiftSettings: common),
        .testTarget(
            name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: common),

        // What benchmarks/cpu measures against: libcrypto and libcurl, and nothing of ours.
        .systemLibrary(name: "CEpoll", path: "benchmarks/Floor/CEpoll"),
        .executableTarget(
            name: "floor", dependencies: ["CCrypto", "CCurl", "CEpoll"],
            path: "benchmarks/Floor/Sources", swiftSettings: common),
        // What benchmarks/micro measures: single operations, and every allocation that they make.
        .target(name: "CAllocations", path: "benchmarks/Micro/CAllocations"),
        .executableTarget(
            name: "micro",
            dependencies: [
                "CAllocations", "DeliveryCore", "HTTPSignatures", "IntakeParsing", "SigningKeys",
                "Transport",
            ],
            path: "benchmarks/Micro/Sources", swiftSettings: common),
    ],
    cxxLanguageStandard: .cxx17
)

// `deploy/fuzz`: the same decoders and promises as in FuzzTests, with libFuzzer's search around
// them. Only there when it is asked for, because nothing else links libFuzzer; instead of the tests,
// because a file belongs to one target.
if Context.environment["TRUNKLINE_FUZZ"] != nil {
    package.targets.removeAll { $0.name == "FuzzTests" }
    package.targets += [
        .executableTarget(
            name: "fuzz", dependencies: fuzzed, path: "Tests/FuzzTests",
            exclude: ["FuzzTests.swift", "Seeds"], swiftSettings: common)
    ]
}

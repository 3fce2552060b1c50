// swift-tools-version:6.2

import PackageDescription

/// Settings of every Swift target.
///
/// - `ExistentialAny` (SE-0335): a boxed value is visible where it is made.
/// - `InternalImportsByDefault` (SE-0409): what a target uses is not what it offers.
/// - `MemberImportVisibility` (SE-0444): a member is usable only where its module is imported.
/// - Warnings are errors.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Settings of every C target.
let cSettings: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// Fuzzed functions: an executable for libFuzzer where `Tests/Fuzzing/run.sh` builds it, else tests that replay
/// the corpus.
let fuzzingDependencies: [Target.Dependency] = [
    "Connect", "EnvdAPI", "EnvdDaemon", "FileTools", "FileTransfer", "FilesystemService", "HTTPTransport",
    "ProcessService", "SandboxContext", "SandboxControl", nioCore, nioHTTP1, protobuf, systemPackage,
]
let fuzzing: Target =
    if Context.environment["ENVD_FUZZER"] != nil {
        .executableTarget(
            name: "envd-fuzzer",
            dependencies: fuzzingDependencies,
            path: "Tests/Fuzzing",
            exclude: ["Corpus", "Replay", "run.sh"],
            sources: ["Fuzzer", "Targets"],
            swiftSettings: settings
        )
    } else {
        .testTarget(
            name: "FuzzingTests",
            dependencies: fuzzingDependencies,
            path: "Tests/Fuzzing",
            exclude: ["Corpus", "Fuzzer", "run.sh"],
            sources: ["Replay", "Targets"],
            swiftSettings: settings
        )
    }

let package = Package(
    name: "envd",
    products: [
        .executable(name: "envd", targets: ["envd"]),
        .executable(name: "connect-conformance-server", targets: ["connect-conformance-server"]),
        .library(name: "Connect", targets: ["Connect"]),
        .library(name: "HTTPTransport", targets: ["HTTPTransport"]),
    ],
    traits: [
        .trait(name: "Systemd", description: "Talk to systemd, with the libsystemd that the machine has."),
        .default(enabledTraits: ["Systemd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        // The default traits pull in all of Foundation.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // L0: the kernel.
        .target(name: "CLinuxSystem", cSettings: cSettings),
        .target(
            name: "LinuxSystem",
            dependencies: ["CLinuxSystem", systemPackage],
            swiftSettings: settings
        ),

        .target(name: "CSystemd", cSettings: cSettings),
        // What is known only when the program is built: ENVD_COMMIT is set by who builds it.
        .target(
            name: "CBuild",
            cSettings: cSettings
                + [.define("ENVD_COMMIT", to: "\"\(Context.environment["ENVD_COMMIT"] ?? "")\"")]
        ),

        // L1: the network, and the kernel's events.
        .target(
            name: "LinuxIO",
            dependencies: ["LinuxSystem", nioCore, nioPosix, systemPackage],
            swiftSettings: settings
        ),
        .target(
            name: "HTTPTransport",
            dependencies: [nioCore, nioPosix, nioHTTP1, nioHTTP2, nioConcurrency],
            swiftSettings: settings
        ),

        // L2: remote procedure calls.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Connect",
            dependencies: ["CZlib", "HTTPTransport", nioCore, nioHTTP1, protobuf],
            swiftSettings: settings
        ),

        .target(name: "ServerReflection", dependencies: ["Connect", protobuf], swiftSettings: settings),

        // L3: the API, and who calls it.
        .target(name: "EnvdAPI", dependencies: ["Connect", protobuf], swiftSettings: settings),
        .target(
            name: "SandboxContext",
            dependencies: [
                "Connect", "HTTPTransport", "LinuxIO", "LinuxSystem", nioCore, nioHTTP1, systemPackage,
            ],
            swiftSettings: settings
        ),

        // L4: the services.
        .target(
            name: "ProcessService",
            dependencies: [
                "Connect", "EnvdAPI", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1, protobuf,
                systemPackage,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "FilesystemService",
            dependencies: [
                "Connect", "EnvdAPI", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1, protobuf,
                systemPackage,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "WorkloadFreezer",
            dependencies: [
                "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1, systemPackage,
            ],
            swiftSettings: settings
        ),

        .target(
            name: "FileTransfer",
            dependencies: [
                "Connect", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1,
                systemPackage,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "SandboxControl",
            dependencies: [
                "Connect", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1,
                nioPosix, systemPackage,
            ],
            swiftSettings: settings
        ),

        .target(
            name: "GitService",
            dependencies: [
                "Connect", "EnvdAPI", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore,
                protobuf, systemPackage,
            ],
            exclude: ["README.md"],
            swiftSettings: settings
        ),
        .target(
            name: "PortService",
            dependencies: [
                "Connect", "EnvdAPI", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore,
                nioHTTP1, nioPosix, protobuf, systemPackage,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "NetworkVolumes",
            dependencies: ["HTTPTransport", "LinuxIO", "LinuxSystem", nioCore, systemPackage],
            swiftSettings: settings
        ),

        .target(
            name: "FileTools",
            dependencies: [
                "Connect", "EnvdAPI", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext", nioCore,
                nioHTTP1, protobuf, systemPackage,
            ],
            swiftSettings: settings
        ),

        // L5 and L6: the daemon.
        .target(
            name: "EnvdDaemon",
            dependencies: [
                "Connect", "EnvdAPI", "FileTools", "FileTransfer", "FilesystemService", "GitService",
                "HTTPTransport", "LinuxIO", "LinuxSystem", "NetworkVolumes", "PortService", "ProcessService",
                "SandboxContext", "SandboxControl", "ServerReflection", "WorkloadFreezer", logging, nioCore,
                nioHTTP1, nioPosix,
                systemPackage, "CBuild", .target(name: "CSystemd", condition: .when(traits: ["Systemd"])),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "envd",
            dependencies: ["EnvdDaemon"],
            swiftSettings: settings,
            // A megabyte less to read and to relocate at start (glibc 2.36); unused code is left out.
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker",
                        "--gc-sections", "-Xlinker", "--no-export-dynamic", "-Xclang-linker",
                        "-static-libgcc",
                    ],
                    .when(configuration: .release))
            ]
        ),

        // The program that the conformance suite of Connect drives.
        .executableTarget(
            name: "connect-conformance-server",
            dependencies: [
                "Connect", "HTTPTransport", "LinuxSystem", nioCore, nioHTTP1, nioPosix, protobuf,
                systemPackage,
            ],
            path: "Tests/Conformance",
            exclude: [
                "calls.py", "config.yaml", "conformance.proto", "conftest.py", "exchanges.py", "orders.py",
                "pytest.ini", "requirements.txt", "schemas.py", "server.py", "test_connectrpc.py",
                "test_grpcio.py", "test_limits.py", "test_program.py", "test_streams.py", "test_suites.py",
                "test_unexpected.py",
            ],
            sources: ["Generated", "Server"],
            swiftSettings: settings
        ),

        .testTarget(
            name: "ConformanceTests",
            dependencies: ["Connect", "HTTPTransport", nioCore, nioPosix, protobuf],
            swiftSettings: settings
        ),

        .target(name: "CSyscallFilter", path: "Tests/CSyscallFilter", cSettings: cSettings),
        .testTarget(
            name: "LinuxSystemTests",
            dependencies: ["CSyscallFilter", "EnvdTestSupport", "LinuxSystem", systemPackage],
            swiftSettings: settings
        ),

        // What the tests of several targets share.
        .target(
            name: "EnvdTestSupport",
            dependencies: [
                "HTTPTransport", "LinuxIO", "LinuxSystem", nioCore, nioPosix, nioHTTP1, nioHTTP2,
                systemPackage,
            ],
            path: "Tests/EnvdTestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "LinuxIOTests",
            dependencies: ["EnvdTestSupport", "LinuxIO", "LinuxSystem", nioCore, nioPosix, systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPTransportTests",
            dependencies: ["EnvdTestSupport", "HTTPTransport", nioCore, nioPosix, nioHTTP1, nioHTTP2],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ConnectTests",
            dependencies: [
                "Connect", "EnvdAPI", "EnvdTestSupport", "HTTPTransport", nioCore, nioPosix, nioHTTP1,
                protobuf,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SandboxContextTests",
            dependencies: [
                "Connect", "EnvdTestSupport", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext",
                nioCore, nioHTTP1, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ProcessServiceTests",
            dependencies: [
                "Connect", "EnvdAPI", "EnvdTestSupport", "HTTPTransport", "LinuxIO", "LinuxSystem",
                "ProcessService", "SandboxContext", nioCore, nioPosix, nioHTTP1, protobuf, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FilesystemServiceTests",
            dependencies: [
                "Connect", "EnvdAPI", "EnvdTestSupport", "FilesystemService", "LinuxIO", "LinuxSystem",
                "SandboxContext", nioCore, protobuf, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FileTransferTests",
            dependencies: [
                "FileTransfer", "HTTPTransport", "LinuxSystem", "SandboxContext", nioCore, nioHTTP1,
                systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PortServiceTests",
            dependencies: [
                "Connect", "EnvdAPI", "EnvdTestSupport", "HTTPTransport", "LinuxIO", "LinuxSystem",
                "PortService", nioCore, nioHTTP1, nioPosix, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NetworkVolumesTests",
            dependencies: ["EnvdTestSupport", "LinuxIO", "NetworkVolumes", nioCore, nioPosix, systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "WorkloadFreezerTests",
            dependencies: [
                "EnvdTestSupport", "HTTPTransport", "LinuxIO", "LinuxSystem", "WorkloadFreezer",
                nioConcurrency, nioCore, nioHTTP1, nioPosix, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SandboxControlTests",
            dependencies: [
                "EnvdTestSupport", "HTTPTransport", "LinuxIO", "LinuxSystem", "SandboxContext",
                "SandboxControl", nioCore, nioHTTP1, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GitServiceTests",
            dependencies: [
                "Connect", "EnvdAPI", "EnvdTestSupport", "GitService", "HTTPTransport", "LinuxIO",
                "LinuxSystem", "SandboxContext", nioCore, protobuf, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EnvdDaemonTests",
            dependencies: [
                "EnvdDaemon", "EnvdTestSupport", "HTTPTransport", "SandboxContext", nioCore, nioHTTP1,
                systemPackage,
            ],
            swiftSettings: settings
        ),

        .testTarget(
            name: "FileToolsTests",
            dependencies: [
                "EnvdTestSupport", "FileTools", "LinuxIO", "LinuxSystem", "SandboxContext", systemPackage,
            ],
            swiftSettings: settings
        ),

        fuzzing,
        .testTarget(
            name: "EnvdAPITests",
            dependencies: ["Connect", "EnvdAPI", nioCore, protobuf, systemPackage],
            exclude: ["Goldens"],
            swiftSettings: settings
        ),

        .target(name: "CBaseline", path: "Tests/Benchmarks/CBaseline", cSettings: cSettings),
        // What the benchmark of unary calls compares.
        .executableTarget(
            name: "echo-servers",
            dependencies: ["Connect", "HTTPTransport", nioCore, nioHTTP1, nioPosix, protobuf],
            path: "Tests/Benchmarks/EchoServers",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "envd-benchmarks",
            dependencies: ["CBaseline"],
            path: "Tests/Benchmarks",
            exclude: ["CBaseline", "EchoServers", "run.sh"],
            swiftSettings: settings
        ),
    ],
    cLanguageStandard: .gnu17
)

// swift-tools-version: 6.2
// SPDX-License-Identifier: EUPL-1.2

// The drawing of the house. A room may use only the rooms named in its `needs`, which all stand
// above it in this list; the `Tidy` tests hold every `import` against it.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let nIOCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nIOHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nIOPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nIOSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func names(_ rooms: [String]) -> [Target.Dependency] { rooms.map { .target(name: $0) } }

/// One room of the house and the tests that live beside it.
func room(
    _ name: String, needs: [String] = [], from packages: [Target.Dependency] = []
) -> [Target] {
    [
        .target(name: name, dependencies: names(needs) + packages, swiftSettings: strict),
        .testTarget(
            name: "\(name)Tests", dependencies: names([name] + needs) + packages,
            path: "Tests/\(name)", swiftSettings: strict),
    ]
}

let package = Package(
    name: "zwilling",
    products: [.executable(name: "zwilling", targets: ["zwilling"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(
            url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // Without pkg-config, which would put the system's libraries before our static ones.
        .systemLibrary(name: "CYaml", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CCompanions"),
        .target(name: "CPostgres"),
        .target(name: "CBlueprint", exclude: ["leika.tsv", "leika.LICENSE"]),
    ]
        + room("Ground")
        + room("Blueprint", needs: ["CBlueprint", "CYaml", "Ground"])
        + room("Files", needs: ["CLinux", "Ground"])
        + room("Postgres", needs: ["CPostgres", "Ground"])
        + room("Programs", needs: ["Ground", "Files"], from: [subprocess, systemPackage])
        + room("Wire", needs: ["Ground", "Files"], from: [nIOCore, nIOHTTP1, nIOPosix])
        + room("Survey", needs: ["Ground", "Blueprint", "Files"])
        + room(
            "Sites", needs: ["Ground", "Files", "Programs"],
            from: [crypto, nIOCore, nIOHTTP1, nIOPosix, nIOSSL, asyncHTTPClient])
        + room(
            "Vault", needs: ["CZstd", "Ground", "Files", "Sites"], from: [crypto, cryptoExtras])
        + room(
            "Capture",
            needs: ["Ground", "Blueprint", "Files", "Postgres", "Programs", "Sites", "Vault"])
        + room(
            "Revival",
            needs: [
                "Ground", "Blueprint", "Files", "Postgres", "Programs", "Sites", "Vault", "Capture",
            ])
        + [
            .executableTarget(
                name: "zwilling",
                dependencies: names([
                    "CCompanions", "Ground", "Blueprint", "Files", "Postgres", "Programs", "Sites",
                    "Vault", "Capture", "Revival", "Survey", "Wire",
                ]) + [arguments],
                swiftSettings: strict),
            .testTarget(
                name: "Scenarios",
                dependencies: names([
                    "Ground", "Blueprint", "Files", "Postgres", "Programs", "Sites", "Vault",
                    "Capture", "Revival",
                ]),
                path: "Tests/Scenarios", swiftSettings: strict),
            .testTarget(name: "Tidy", path: "Tests/Tidy", swiftSettings: strict),
        ]
)

// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// The rules of the house that a compiler does not know.
@Suite("The house is tidy")
struct TidyTests {
    private static let checkout = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What each room may use, as the manifest draws it.
    private static let needs: [String: Set<String>] = {
        guard
            let manifest = try? String(
                contentsOf: checkout.appending(path: "Package.swift"), encoding: .utf8)
        else { return [:] }
        var needs: [String: Set<String>] = [:]
        let room = /room\(\s*"(\w+)"(?:,\s*needs: \[([^\]]*)\])?(?:,\s*from: \[([^\]]*)\])?\)/
        for match in manifest.matches(of: room) {
            let rooms = (match.output.2 ?? "").matches(of: /\w+/).map { String($0.output) }
            // A package's product is named in the manifest by a constant with a small letter.
            let products = (match.output.3 ?? "").matches(of: /\w+/).map {
                $0.output.prefix(1).uppercased() + $0.output.dropFirst()
            }
            needs[String(match.output.1)] = Set(rooms + products)
        }
        needs["zwilling"] = Set(needs.keys).union(["CCompanions", "ArgumentParser"])
        return needs
    }()

    private static let system: Set = [
        "FoundationEssentials", "Glibc", "Musl", "Synchronization",
    ]

    private static var sources: [(room: String, name: String, text: String)] {
        let folder = checkout.appending(path: "Sources")
        let files = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String]
        return (files ?? []).sorted().filter { $0.hasSuffix(".swift") }.compactMap { name in
            guard
                let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
            else { return nil }
            return (String(name.prefix { $0 != "/" }), name, text)
        }
    }

    @Test("Rooms use only the rooms that the manifest gives them")
    func imports() {
        #expect(Self.needs.count >= 7)
        #expect(Self.sources.count > 100)
        for (room, name, text) in Self.sources {
            for match in text.matches(of: /(?m)^\s*(?:\w+ )?import (?:var |struct |func )?(\w+)/) {
                let module = String(match.output.1)
                let allowed = Self.needs[room]?.union(Self.system) ?? []
                #expect(allowed.contains(module), "\(name) imports \(module)")
            }
        }
    }

    @Test("Only the rooms at the edge talk to the system")
    func systemCalls() {
        let mayImport = ["Files/", "Sites/SystemError+Sites.swift", "Vault/Packs/Bytes.swift"]
        for (_, name, text) in Self.sources where text.contains(/(?m)^\s*import .*Glibc/) {
            #expect(mayImport.contains { name.hasPrefix($0) }, "\(name) imports Glibc")
        }
    }

    @Test("Unsafe code stands in few places and says why it is safe")
    func unsafe() {
        let allowed = [
            "Files/", "Sites/DirectorySite.swift", "Vault/Packs/Bytes.swift",
            "Vault/Sealing/", "Vault/Chunking/Gear.swift", "Capture/CaptureWorker+Files.swift", "Capture/Streams/StreamSource.swift",
            "Postgres/CRC32C.swift",
            "Postgres/Connection", "Postgres/ServerAddress.swift", "zwilling/Prepare/Companions.swift",
            "Programs/ProgramStreams.swift", "Blueprint/Leika.swift", "Blueprint/YAML.swift",
        ]
        for (_, name, text) in Self.sources where text.contains(/\bunsafe\b(?!-inline)/) {
            #expect(allowed.contains { name.hasPrefix($0) }, "\(name) is unsafe")
            let saysWhy = text.contains("Safe because")
            #expect(saysWhy, "\(name) does not say why it is safe")
        }
    }

    @Test("Nothing hides a failure, and nothing runs on by itself")
    func banned() {
        let banned = [
            /\btry[?!]/, /\bas!/, /fatalError/, /Task\.detached/, /DispatchQueue/, /FileManager/,
            /\bProcessInfo/, /\bDate\(\)/, /\bTODO\b/, /\bFIXME\b/,
        ]
        // A site that hangs must hold up nobody.
        let mayStartTasks = ["Sites/Spread/", "Sites/SFTP/SFTPConnection.swift"]
        for (_, name, text) in Self.sources {
            for pattern in banned where text.contains(pattern) {
                Issue.record("\(name) has what the house bans")
            }
            let startsTasks = text.contains(/\bTask(\(| \{)/)
            #expect(!startsTasks || mayStartTasks.contains { name.hasPrefix($0) }, "\(name) starts tasks")
        }
    }

    @Test("Every file has its licence, and none is too long to hold one idea")
    func shape() {
        for (_, name, text) in Self.sources {
            let isLicensed = text.hasPrefix("// SPDX-License-Identifier: EUPL-1.2\n")
            #expect(isLicensed, "\(name) has no licence")
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 400, "\(name) has \(lines.count) lines")
        }
    }
}

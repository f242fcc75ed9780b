// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

/// What came of a capture, for people and for programs.
struct CaptureReport {
    private static let linesMax = 100

    let captured: Captured
    let known: KnownVault
    let cacheRebuilt: Bool
    let sameDisk: [TreePath]
    /// Read, or found to be what was read before.
    let bytesLookedAt: UInt64
    let seconds: Double

    init(
        _ captured: Captured, of known: KnownVault, cacheRebuilt: Bool, sameDisk: [TreePath],
        bytesLookedAt: UInt64, seconds: Double
    ) {
        (self.captured, self.known, self.cacheRebuilt) = (captured, known, cacheRebuilt)
        (self.sameDisk, self.bytesLookedAt, self.seconds) = (sameDisk, bytesLookedAt, seconds)
    }

    func show() throws(Trouble) {
        tellProblems()
        let body = captured.body
        let counts = CountFields(body.counts)
        var lines = [
            say(
                "Snapshot \(captured.id.short) of \"\(body.dataSet)\" is taken.",
                de: "Sicherungsstand \(captured.id.short) von „\(body.dataSet)“ ist angelegt."),
            "  " + counts.text,
            say(
                "  looked at \(size(bytesLookedAt)), added \(size(body.addedBytes)) "
                    + "(\(packs(captured.packsPut))), taken over unchanged "
                    + entries(captured.entriesTakenOver),
                de: "  angesehen \(size(bytesLookedAt)), hinzugekommen \(size(body.addedBytes)) "
                    + "(\(packs(captured.packsPut))), unverändert übernommen "
                    + entries(captured.entriesTakenOver)),
            "  " + pace(bytesLookedAt, in: seconds),
        ]
        if !captured.leftOut.isEmpty {
            lines.append(
                say(
                    "  left out: \(figure(captured.leftOut.count)) (named above)",
                    de: "  ausgelassen: \(figure(captured.leftOut.count)) (oben genannt)"))
        }
        try zwilling.show(lines)
    }

    private func tellProblems() {
        if cacheRebuilt {
            tell(
                say(
                    "This machine's cache was missing or old; it was made anew from the vault.",
                    de: "Der Zwischenspeicher dieses Rechners fehlte oder war alt; er wurde aus "
                        + "dem Tresor neu gebildet."))
        }
        if !captured.lostPacks.isEmpty {
            let names = captured.lostPacks.map(\.name.hex).joined(separator: "\n  ")
            warn(
                Words(
                    "the vault had lost packs. What is still here was stored again; earlier "
                        + "snapshots may miss the rest, \"zwilling verify\" tells:\n  \(names)",
                    de: "Dem Tresor fehlten Pakete. Was noch hier ist, wurde neu gespeichert; "
                        + "früheren Ständen kann der Rest fehlen, „zwilling verify“ zeigt es:\n  "
                        + names))
        }
        list(
            captured.changed.map(shown),
            say(
                "Changed while it was read, and kept as it was read:",
                de: "Änderte sich beim Lesen und wurde so gesichert, wie es gelesen wurde:"))
        list(
            captured.leftOut.map { say($0.trouble.message) },
            say("Left out:", de: "Ausgelassen:"))
    }

    private func list(_ lines: [String], _ heading: String) {
        guard !lines.isEmpty else { return }
        tell(heading)
        for line in lines.prefix(Self.linesMax) { tell("  " + line) }
        let rest = lines.count - Self.linesMax
        if rest > 0 {
            tell(
                say(
                    "  and \(figure(rest)) more (all of them with --json)",
                    de: "  und \(figure(rest)) weitere (alle mit --json)"))
        }
    }

    // MARK: JSON

    struct Fields: Encodable {
        let snapshot: String
        let vault: String
        let dataSet: String
        let host: String
        let paths: [PathFields]
        let begun: String
        let counts: CountFields
        let bytesLookedAt: UInt64
        let bytesAdded: UInt64
        let packsPut: Int
        let entriesTakenOver: Int
        let seconds: Double
        let isCacheRebuilt: Bool
        let lostPacks: [String]
        let onSameDisk: [PathFields]
        let leftOut: [LeftOutFields]
        let changedWhileRead: [PathFields]
        let vanished: [PathFields]
    }

    var fields: Fields {
        let body = captured.body
        return Fields(
            snapshot: captured.id.hex, vault: known.vault.keyring.vault.description,
            dataSet: body.dataSet, host: body.host,
            paths: body.paths.map { PathFields(bytes: $0) }, begun: isoTime(body.begun),
            counts: CountFields(body.counts), bytesLookedAt: bytesLookedAt,
            bytesAdded: body.addedBytes, packsPut: captured.packsPut,
            entriesTakenOver: captured.entriesTakenOver, seconds: seconds,
            isCacheRebuilt: cacheRebuilt,
            lostPacks: captured.lostPacks.map(\.name.hex),
            onSameDisk: sameDisk.map { PathFields($0) },
            leftOut: captured.leftOut.map { LeftOutFields($0) },
            changedWhileRead: captured.changed.map { PathFields($0) },
            vanished: captured.vanished.map { PathFields($0) })
    }
}

/// How much a snapshot or a restore holds.
struct CountFields: Encodable {
    let files, directories, others, bytes, leftOut, changedWhileRead: UInt64

    init(_ counts: RecordBody.Counts) {
        (files, directories, others) = (counts.files, counts.directories, counts.others)
        (bytes, leftOut) = (counts.bytes, counts.leftOut)
        changedWhileRead = counts.changedWhileRead
    }

    var text: String {
        [
            zwilling.files(files), zwilling.directories(directories),
            figure(others) + say(" others", de: " andere"), size(bytes),
        ].joined(separator: ", ")
    }
}

/// A path with what went wrong there.
struct LeftOutFields: Encodable {
    let path: String
    let pathHex: String?
    let kind: String
    let message: String

    init(_ leftOut: LeftOut) {
        let fields = PathFields(leftOut.path)
        (path, pathHex) = (fields.path, fields.pathHex)
        kind = leftOut.trouble.kind.rawValue
        message = say(leftOut.trouble.message)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

private let slash = UInt8(ascii: "/")

/// A path on the command line, byte for byte as it was typed.
struct PathArgument: ExpressibleByArgument {
    let bytes: [UInt8]

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        bytes = Terminal.bytes(of: argument)
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    var defaultValueDescription: String { printable(bytes) }

    static var defaultCompletionKind: CompletionKind { .file() }

    /// From the root on, without symlinks, `.` and `..` where at least the directory in which it
    /// lies exists; otherwise as it was typed, for whoever opens it to complain.
    func absolute() throws(Trouble) -> [UInt8] {
        do throws(SystemError) { return try Machine.realPath(bytes) } catch {
            guard error.kind == .missing else { return try anchored() }
        }
        let end = bytes.lastIndex { $0 != slash } ?? 0
        let trimmed = Array(bytes[...end])
        let start = trimmed.lastIndex(of: slash).map { $0 + 1 } ?? 0
        let folder = start > 0 ? Array(trimmed[..<start]) : [UInt8(ascii: ".")]
        let name = Array(trimmed[start...])
        do throws(SystemError) {
            let parent = try Machine.realPath(folder)
            return parent == [slash] ? parent + name : parent + [slash] + name
        } catch { return try anchored() }
    }

    private func anchored() throws(Trouble) -> [UInt8] {
        if bytes.first == slash { return bytes }
        do throws(SystemError) {
            return try Machine.realPath([UInt8(ascii: ".")]) + [slash] + bytes
        } catch {
            throw error.trouble(
                Words("Cannot find the working directory", de: "Arbeitsverzeichnis fehlt:"))
        }
    }
}

/// The components of a path from the root on; nil where one of them would lead elsewhere.
func treePath(_ path: some Sequence<UInt8>) -> TreePath? {
    let names = Array(path).split(separator: slash).map(Array.init)
    return names.allSatisfy(isPlainName) ? names : nil
}

func shown(_ path: TreePath) -> String { printable(slashed(path)) }

/// What people restore or print has no place in a vault.
func refuse(_ target: [UInt8], inside place: VaultPlace) throws(Trouble) {
    guard let vault = place.tree, var path = treePath(target) else { return }
    // As much of the target as exists, with its links resolved.
    while !path.isEmpty {
        do throws(SystemError) {
            path = treePath(try Machine.realPath(slashed(path))) ?? path
            break
        } catch { path.removeLast() }
    }
    guard path.starts(with: vault) else { return }
    throw Trouble(
        .wrongUse,
        Words(
            "\(printable(target)) lies in the vault itself.",
            de: "\(printable(target)) liegt im Tresor selbst."),
        advice: Words("Choose another target.", de: "Ein anderes Ziel wählen."))
}

/// A path in JSON: printable, and byte for byte in hex where that says more.
struct PathFields: Encodable {
    let path: String
    let pathHex: String?

    init(_ path: TreePath) { self.init(bytes: slashed(path)) }

    init(bytes: [UInt8]) {
        path = printable(bytes)
        pathHex = Array(path.utf8) == bytes ? nil : bytes.hex
    }
}

/// `SNAPSHOT`, `SNAPSHOT:PATH`, a path alone, which means that of the latest snapshot, or a moment.
struct SnapshotArgument: ExpressibleByArgument {
    let wish: String
    let path: TreePath?
    /// The newest that was begun by then is meant.
    let moment: Moment?
    /// As it was typed.
    private let text: String

    static let latest = SnapshotArgument(wish: "latest", path: nil)

    private init(wish: String, path: TreePath?) {
        (self.wish, self.path, moment, text) = (wish, path, nil, wish)
    }

    var isLatest: Bool { wish == "latest" && moment == nil }

    /// That it is the beginning of a name at least, or a moment.
    func check() throws(Trouble) {
        guard moment == nil, !isLatest, !wish.allSatisfy(\.isHexDigit) else { return }
        throw Trouble(
            .wrongUse,
            Words(
                "\"\(plain(text))\" is neither a snapshot nor a moment.",
                de: "„\(plain(text))“ ist weder ein Sicherungsstand noch ein Zeitpunkt."),
            advice: Words(
                "A snapshot is named by four of its digits or more (\"zwilling snapshots\"), or \"latest\"; a moment is written '2026-11-25', '2026-11-25 14:30', '2026-11-25 14:30:05.250', with +01:00 or Z behind it for another time zone.",
                de: "Ein Sicherungsstand: mindestens vier seiner Stellen („zwilling snapshots“) oder „latest“. Ein Zeitpunkt: '2026-11-25', '2026-11-25 14:30', '2026-11-25 14:30:05.250', für eine andere Zeitzone mit +01:00 oder Z dahinter."))
    }

    init?(argument: String) {
        text = argument
        // A day with nothing but digits and dashes is no snapshot, which has no dash.
        if let moment = zwilling.moment(from: argument) {
            (wish, path, self.moment) = (argument, nil, moment)
            return
        }
        moment = nil
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if argument.hasPrefix("/") {
            wish = "latest"
            path = treePath(Terminal.bytes(of: argument))
            if path == nil { return nil }
        } else {
            wish = parts[0].isEmpty ? "latest" : String(parts[0])
            path = parts.count > 1 ? treePath(Terminal.bytes(of: parts[1])) : nil
            if parts.count > 1, path == nil { return nil }
        }
    }

    var defaultValueDescription: String { wish }
}

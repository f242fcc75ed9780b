// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Revival
import Vault

/// One entry of a snapshot, for people and for programs.
struct EntryView {
    let path: TreePath
    let entry: Entry

    /// As `ls -F` has it: a slash behind directories.
    var name: String { shown(path) + (entry.kind == .directory ? "/" : "") }

    /// Kind, permissions, owner, size and time before the name, and behind it where a link leads.
    var longLine: String {
        let columns = [
            permissionText, right("\(entry.user)", 6), right("\(entry.group)", 6),
            right(sizeText, 14), localTime(entry.modified), name,
        ]
        let line = columns.joined(separator: " ")
        return entry.kind == .symlink ? line + " -> " + printable(entry.target) : line
    }

    private var sizeText: String {
        switch entry.kind {
        case .file: figure(entry.content.size)
        case .characterDevice, .blockDevice: "\(entry.major):\(entry.minor)"
        case .directory, .symlink, .fifo, .socket: "-"
        }
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private var permissionText: String {
        let kind: Character =
            switch entry.kind {
            case .file: "-"
            case .directory: "d"
            case .symlink: "l"
            case .fifo: "p"
            case .socket: "s"
            case .characterDevice: "c"
            case .blockDevice: "b"
            }
        var text = [kind]
        for bit in stride(from: 8, through: 0, by: -1) {
            text.append(entry.permissions >> UInt16(bit) & 1 == 1 ? Array("xwr")[bit % 3] : "-")
        }
        // setuid, setgid and sticky take the place of the three x.
        for (bit, place, letter) in [(11, 3, "s"), (10, 6, "s"), (9, 9, "t")]
        where entry.permissions >> UInt16(bit) & 1 == 1 {
            text[place] = text[place] == "x" ? Character(letter) : Character(letter.uppercased())
        }
        return String(text)
    }

    struct Fields: Encodable {
        let path: String
        let pathHex: String?
        let kind: String
        let size: UInt64?
        let permissions: String
        let user: UInt32
        let group: UInt32
        let modified: String
        let target: String?
        let targetHex: String?
        let snapshot: String?
        let changedWhileRead: Bool?
    }

    /// - Parameter snapshot: named where entries of several are listed.
    func fields(snapshot: Digest? = nil) -> Fields {
        let place = PathFields(path)
        let target = entry.kind == .symlink ? PathFields(bytes: entry.target) : nil
        let octal = String(entry.permissions, radix: 8)
        return Fields(
            path: place.path, pathHex: place.pathHex, kind: entry.kind.text,
            size: entry.kind == .file ? entry.content.size : nil,
            permissions: String(repeating: "0", count: max(0, 4 - octal.count)) + octal,
            user: entry.user, group: entry.group, modified: isoTime(entry.modified),
            target: target?.path, targetHex: target?.pathHex, snapshot: snapshot?.hex,
            changedWhileRead: entry.changedWhileRead ? true : nil)
    }
}

extension FileKind {
    /// For programs.
    var text: String {
        switch self {
        case .file: "file"
        case .directory: "directory"
        case .symlink: "symlink"
        case .fifo: "fifo"
        case .socket: "socket"
        case .characterDevice: "characterDevice"
        case .blockDevice: "blockDevice"
        }
    }
}

extension Trouble {
    static func nothing(at path: TreePath, in snapshot: Observed.Fact) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "Snapshot \(snapshot.id.short) has nothing at \(shown(path)).",
                de: "Im Sicherungsstand \(snapshot.id.short) gibt es \(shown(path)) nicht."),
            advice: Words(
                "\"zwilling find NAME --all\" searches all snapshots.",
                de: "„zwilling find NAME --all“ sucht in allen Sicherungsständen."))
    }
}

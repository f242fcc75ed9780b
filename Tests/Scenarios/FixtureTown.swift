// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Vault

/// The tree in the fixture: how it was made, and how a tree is put into words.
enum FixtureTown {
    private static let strange: [UInt8] = [0xff, 0xfe] + Array(" bytes".utf8)

    static func build(at root: String) throws {
        try FileManager.default.createDirectory(
            atPath: root + "/names", withIntermediateDirectories: true)
        let top = try Descriptor.directory(Array(root.utf8))
        let names = try top.directory(bytes("names"))
        try file(top, "hello.txt", "Hello, town!\n", 0o640, 1_600_000_001)
        try top.setAttribute(
            bytes("hello.txt"), Attribute(name: bytes("user.town"), value: [0xca, 0xfe, 0]))
        try top.setAttribute(
            bytes("hello.txt"), Attribute(name: bytes("user.void"), value: []))
        try file(top, "empty", "", 0o600, 1_600_000_002)
        try file(top, "one", "shared\n", 0o4755, 1_600_000_003)
        try top.makeLink(bytes("two"), to: bytes("one"), in: top)
        let sparse = try top.create(bytes("sparse"))
        try sparse.write(bytes("start"), at: 0)
        try sparse.write(bytes("middle"), at: 500_000)
        try sparse.truncate(to: 1 << 20)
        try finish(sparse, 0o644, Moment(seconds: 1_600_000_004))
        let line = "Everything that the town writes down, it writes down twice.\n"
        let text = String(repeating: line, count: 3400)
        let large = try top.create(bytes("large.txt"))
        try large.write(Array(text.utf8.prefix(200_000)), at: 0)
        try finish(large, 0o644, Moment(seconds: -3, nanoseconds: 500_000_000))
        try file(
            names, strange, "not UTF-8\n", 0o644,
            Moment(seconds: 1_600_000_005, nanoseconds: 1))
        try file(
            names, bytes("\u{e4} \n~"), "umlaut", 0o644,
            Moment(seconds: 4_300_000_000, nanoseconds: 123_456_789))
        try file(top, "gone", "gone\n", 0o644, 1_600_000_006)
        try top.makeNode(bytes("pipe"), kind: .fifo, permissions: 0o600)
        try top.setPermissions(bytes("pipe"), 0o620)
        try top.setTimes(bytes("pipe"), modified: Moment(seconds: 1_600_000_007))
        for (name, target) in [("link", "hello.txt"), ("dangling", "../nowhere/at/all")] {
            try top.makeSymlink(bytes(name), to: bytes(target))
            try top.setTimes(bytes(name), modified: Moment(seconds: 1_600_000_008))
        }
        try finish(names, 0o1750, Moment(seconds: 1_600_000_005, nanoseconds: 1))
        try finish(top, 0o755, Moment(seconds: 1_600_000_000))
    }

    /// What happens between the two snapshots.
    static func change(at root: String) throws {
        let top = try Descriptor.directory(Array(root.utf8))
        try top.remove(bytes("gone"))
        let hello = try top.openForWriting(bytes("hello.txt"))
        try hello.write(bytes("Hello again, town!\n"), at: 0)
        try hello.setTimes(modified: Moment(seconds: 1_700_000_000))
        try top.setTimes(modified: Moment(seconds: 1_600_000_000))
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func file(
        _ directory: borrowing Descriptor, _ name: String, _ content: String,
        _ permissions: UInt16, _ seconds: Int64
    ) throws {
        try file(directory, bytes(name), content, permissions, Moment(seconds: seconds))
    }

    private static func file(
        _ directory: borrowing Descriptor, _ name: [UInt8], _ content: String,
        _ permissions: UInt16, _ modified: Moment
    ) throws {
        let file = try directory.create(name)
        try file.write(bytes(content), at: 0)
        try finish(file, permissions, modified)
    }

    private static func finish(
        _ file: borrowing Descriptor, _ permissions: UInt16, _ modified: Moment
    ) throws {
        try file.setPermissions(permissions)
        try file.setTimes(modified: modified)
    }

    // MARK: In words

    /// A line for each entry, in tree order. Owners are left out: only root can restore them.
    static func listing(of root: String) throws -> String {
        let top = try Descriptor.directory(Array(root.utf8))
        var lines = [try line(top.status(), ["."], nil)]
        var inodes: [UInt64: String] = [:]
        try list(top, below: [], &lines, &inodes)
        return lines.joined(separator: "\n")
    }

    private static func list(
        _ directory: borrowing Descriptor, below path: [String], _ lines: inout [String],
        _ inodes: inout [UInt64: String]
    ) throws {
        for name in try directory.names().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let status = try directory.status(name)
            let place = path + [shown(name)]
            var text = try line(status, place, content(directory, name, status))
            for attribute in try attributes(directory, name, status) {
                text += " \(shown(attribute.name))=\(attribute.value.hex)"
            }
            if status.kind == .symlink { text += " -> " + shown(try directory.linkTarget(name)) }
            if status.kind != .directory, status.links > 1 {
                text += " links \(status.links)"
                if let first = inodes[status.inode] { text += " = \(first)" }
                inodes[status.inode] = place.joined(separator: "/")
            }
            lines.append(text)
            if status.kind == .directory {
                try list(directory.directory(name), below: place, &lines, &inodes)
            }
        }
    }

    private static func line(
        _ status: FileStatus, _ path: [String], _ content: String?
    ) throws -> String {
        // The nanoseconds count forwards, so -3 s and 500,000,000 ns is -2.5 s.
        let (whole, part) = (status.modified.seconds, status.modified.nanoseconds)
        let isEarly = whole < 0 && part > 0
        let seconds = whole + (isEarly ? 1 : 0)
        let rest = isEarly ? 1_000_000_000 - part : part
        let digits = String("\(1_000_000_000 + rest)".dropFirst())
        let parts: [String?] = [
            "\(status.kind)", String(status.permissions, radix: 8), "\(seconds).\(digits)",
            content, path.joined(separator: "/"),
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }

    private static func content(
        _ directory: borrowing Descriptor, _ name: [UInt8], _ status: FileStatus
    ) throws -> String? {
        guard status.kind == .file else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.size))
        let file = try directory.file(name)
        let count = try file.read(into: &bytes, at: 0, count: bytes.count, from: 0)
        return "\(count) \(Sealing.hash(bytes).short)"
    }

    private static func attributes(
        _ directory: borrowing Descriptor, _ name: [UInt8], _ status: FileStatus
    ) throws -> [Attribute] {
        // Only those of users: what else there is depends on the machine (SELinux).
        guard status.kind == .file else { return [] }
        return try directory.file(name).attributes().filter { $0.name.starts(with: bytes("user.")) }
    }

    /// Bytes that are no UTF-8, and those that would break a line, in hexadecimal.
    private static func shown(_ name: [UInt8]) -> String {
        if let text = String(validating: name, as: UTF8.self) {
            return text.replacing("\n", with: "%0a")
        }
        return name.map { byte in
            (0x20..<0x7f).contains(byte) ? String(UnicodeScalar(byte)) : "%" + [byte].hex
        }.joined()
    }
}

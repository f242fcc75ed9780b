// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Testing

@Suite("Extended attributes")
struct DescriptorAttributesTests {
    let place: Workplace
    init() throws {
        place = try Workplace()
        try place.file("file")
    }

    private func attribute(_ name: String, _ value: [UInt8]) -> Attribute {
        Attribute(name: name.bytes, value: value)
    }

    @Test("Attributes come back sorted, empty, binary and large ones too")
    func roundTrip() throws {
        let wanted = [
            attribute("user.a", []), attribute("user.b", [0, 255, 0]),
            attribute("user.c", [UInt8](repeating: 7, count: 3000)),
            attribute("user.ü", "text".bytes),
        ]
        for one in wanted.reversed() { try place.directory.setAttribute("file".bytes, one) }
        #expect(try place.directory.attributes(of: "file".bytes) == wanted)
        #expect(try place.directory.file("file".bytes).attributes() == wanted)

        try place.directory.setAttribute("file".bytes, attribute("user.a", [1]))
        let file = try place.directory.openForWriting("file".bytes)
        try file.setAttribute(attribute("user.d", [2]))
        #expect(
            try file.attributes() == [
                attribute("user.a", [1]), wanted[1], wanted[2], attribute("user.d", [2]), wanted[3],
            ])
    }

    @Test("Many names, longer together than the first buffer, are all found")
    func manyNames() throws {
        let wanted = (0..<40).map { attribute("user.a-rather-long-name-\($0 + 100)", [UInt8($0)]) }
        for one in wanted { try place.directory.setAttribute("file".bytes, one) }
        #expect(try place.directory.attributes(of: "file".bytes) == wanted)
    }

    @Test("A file without any has none, and so have a symlink and a fifo")
    func none() throws {
        try place.directory.makeSymlink("link".bytes, to: "file".bytes)
        try place.directory.makeNode("fifo".bytes, kind: .fifo, permissions: 0o600)
        try place.directory.setAttribute("file".bytes, attribute("user.a", [1]))
        #expect(try place.directory.attributes(of: "link".bytes).isEmpty)
        #expect(try place.directory.attributes(of: "fifo".bytes).isEmpty)
        #expect(try place.directory.attributes().isEmpty)
    }

    @Test("An ACL is an attribute like any other")
    func accessList() throws {
        let list = attribute("system.posix_acl_access", Self.list)
        try place.directory.setAttribute("file".bytes, list)
        #expect(try place.directory.attributes(of: "file".bytes) == [list])
        #expect(try place.directory.status("file".bytes).permissions & 0o070 == 0o040)
    }

    /// rw- for the owner, r-- for user 1000, --- for the group, r-- as mask, --- for others
    /// (include/uapi/linux/posix_acl_xattr.h).
    private static let list: [UInt8] = [
        2, 0, 0, 0,
        1, 0, 6, 0, 255, 255, 255, 255,
        2, 0, 4, 0, 232, 3, 0, 0,
        4, 0, 0, 0, 255, 255, 255, 255,
        16, 0, 4, 0, 255, 255, 255, 255,
        32, 0, 0, 0, 255, 255, 255, 255,
    ]

    @Test("Root keeps capabilities and attributes of symlinks", .enabled(if: isRoot))
    func privileged() throws {
        // CAP_NET_RAW, permitted and effective, in version 2 of the layout (linux/capability.h).
        let capability = attribute(
            "security.capability",
            [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        try place.directory.setAttribute("file".bytes, capability)
        #expect(try place.directory.attributes(of: "file".bytes) == [capability])

        try place.directory.makeSymlink("link".bytes, to: "file".bytes)
        let trusted = attribute("trusted.note", [1])
        try place.directory.setAttribute("link".bytes, trusted)
        #expect(try place.directory.attributes(of: "link".bytes) == [trusted])
        #expect(try place.directory.attributes(of: "file".bytes) == [capability])
    }
}

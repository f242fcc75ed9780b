// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Messages of SFTP, version 3 (draft-ietf-secsh-filexfer-02), as far as a site needs them.
enum SFTPKind {
    static let `init`: UInt8 = 1
    static let version: UInt8 = 2
    static let open: UInt8 = 3
    static let close: UInt8 = 4
    static let read: UInt8 = 5
    static let write: UInt8 = 6
    static let lstat: UInt8 = 7
    static let fstat: UInt8 = 8
    static let openDirectory: UInt8 = 11
    static let readDirectory: UInt8 = 12
    static let remove: UInt8 = 13
    static let makeDirectory: UInt8 = 14
    static let rename: UInt8 = 18
    static let status: UInt8 = 101
    static let handle: UInt8 = 102
    static let data: UInt8 = 103
    static let name: UInt8 = 104
    static let attributes: UInt8 = 105
    static let extended: UInt8 = 200
}

/// How a file is opened.
enum SFTPOpening {
    static let read: UInt32 = 0x01
    /// Write, make, and fail where it is there.
    static let new: UInt32 = 0x02 | 0x08 | 0x20
}

/// Writes numbers most significant byte first, as SFTP has them.
struct SFTPWriter {
    private(set) var bytes: [UInt8] = []

    mutating func u8(_ value: UInt8) { bytes.append(value) }

    mutating func u32(_ value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func u64(_ value: UInt64) {
        u32(UInt32(truncatingIfNeeded: value >> 32))
        u32(UInt32(truncatingIfNeeded: value))
    }

    mutating func string(_ value: some Collection<UInt8>) {
        u32(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func string(_ value: String) { string(Array(value.utf8)) }
}

/// Reads an answer, and trusts none of it.
struct SFTPReader {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    init(_ bytes: ArraySlice<UInt8>) { (self.bytes, offset) = (bytes, bytes.startIndex) }

    var isAtEnd: Bool { offset == bytes.endIndex }

    mutating func u8() throws(Malformed) -> UInt8 {
        guard offset < bytes.endIndex else { throw Malformed("ends too early", at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func u32() throws(Malformed) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 { value = value << 8 | UInt32(try u8()) }
        return value
    }

    mutating func u64() throws(Malformed) -> UInt64 { UInt64(try u32()) << 32 | UInt64(try u32()) }

    mutating func string() throws(Malformed) -> ArraySlice<UInt8> {
        let count = Int(try u32())
        guard count <= bytes.endIndex - offset else { throw Malformed("ends too early", at: offset) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    struct Attributes {
        var size: UInt64?
        var mode: UInt32?

        var isDirectory: Bool { mode.map { $0 & 0o170000 == 0o040000 } ?? false }
        var isFile: Bool { mode.map { $0 & 0o170000 == 0o100000 } ?? false }
    }

    mutating func attributes() throws(Malformed) -> Attributes {
        var result = Attributes()
        let flags = try u32()
        if flags & 1 != 0 { result.size = try u64() }
        if flags & 2 != 0 { _ = try u64() }
        if flags & 4 != 0 { result.mode = try u32() }
        if flags & 8 != 0 { _ = try u64() }
        if flags & 0x8000_0000 != 0 {
            let count = try u32()
            for _ in 0..<min(count, 1024) {
                _ = try string()
                _ = try string()
            }
        }
        return result
    }
}

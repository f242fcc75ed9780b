// SPDX-License-Identifier: EUPL-1.2
import Glibc

/// Whole small files of this directory, never through a link.
extension Descriptor {
    /// The bytes of a regular file; `ENOTSUP` where something else has its name, `EFBIG` where it
    /// has more than `limit` bytes.
    package func contents(_ name: [UInt8], upTo limit: Int) throws(SystemError) -> [UInt8] {
        let file = try file(name)
        let status = try file.status()
        guard status.kind == .file else {
            throw SystemError(code: ENOTSUP, operation: "openat", path: name)
        }
        guard status.size <= Int64(limit) else {
            throw SystemError(code: EFBIG, operation: "read", path: name)
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.size))
        let got = try file.read(into: &bytes, at: 0, count: bytes.count, from: 0)
        return Array(bytes[..<got])
    }

    /// Puts a file in the place of whatever has its name, durably.
    package func replace(_ name: [UInt8], by bytes: [UInt8]) throws(SystemError) {
        let temporary = Array(".zwilling-\(Machine.random(8).hex)".utf8)
        let file = try create(temporary)
        do throws(SystemError) {
            try file.write(bytes, at: 0)
            try file.synchronize()
            try rename(temporary, to: name, replacing: true)
        } catch {
            discard(temporary)
            throw error
        }
        try again().synchronize()
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Why a file cannot be read, and where in it.
package struct Refusal<Fault: Reason>: Error {
    package let place: Place
    package let fault: Fault
}

/// One of the reasons for which a reader refuses a file.
package protocol Reason: CaseIterable, Hashable, Sendable {
    /// The end of "This is not CSV: …".
    var why: Words { get }
    /// What to do.
    var remedy: Words { get }
}

/// Where the bytes of a file stand for people.
struct Places {
    let file: String
    let bytes: [UInt8]

    /// The place of the byte at an offset. Walks from the beginning: for what is told once.
    func place(of offset: Int) -> Place {
        var (line, column) = (1, 1)
        for byte in bytes.prefix(offset) {
            if byte == 0x0a {
                (line, column) = (line + 1, 1)
            } else if byte & 0xc0 != 0x80 {
                // Only the first byte of a character counts.
                column += 1
            }
        }
        return Place(file: file, line: line, column: column)
    }

    /// The first byte that is not UTF-8; nil where all are.
    var firstForeign: Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var parser = Unicode.UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var offset = 0
        while case .valid(let scalar) = parser.parseScalar(from: &input) { offset += scalar.count }
        return offset
    }
}

/// The mark that some programs put before UTF-8.
let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

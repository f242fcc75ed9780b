// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A path for people's eyes. Control characters, the backslash, characters that turn the direction
/// of writing or break a line, and bytes that are not UTF-8 come out as `\xNN`, byte for byte: so a
/// name from elsewhere can neither steer a terminal nor pose as another name.
package func printable(_ path: [UInt8]) -> String {
    var text = ""
    var parser = Unicode.UTF8.ForwardParser()
    var input = path.makeIterator()
    var offset = 0
    while true {
        switch parser.parseScalar(from: &input) {
        case .valid(let encoded):
            let scalar = Unicode.UTF8.decode(encoded)
            if isHarmless(scalar) {
                text.unicodeScalars.append(scalar)
            } else {
                for byte in encoded { text += escape(byte) }
            }
            offset += encoded.count
        case .error(let length):
            for byte in path[offset..<offset + length] { text += escape(byte) }
            offset += length
        case .emptyInput:
            return text
        }
    }
}

private func escape(_ byte: UInt8) -> String { "\\x" + [byte].hex }

private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7e: scalar != "\\"
    case 0..<0xa0: false
    // Marks of direction: they make "exe.txt" of "txt.exe" (Unicode TR 36, 3.3).
    case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
}

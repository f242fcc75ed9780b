// SPDX-License-Identifier: EUPL-1.2
import Files
import Testing

@Suite("Paths for people's eyes")
struct PrintableTests {
    @Test("Plain text of any script stays as it is")
    func plain() {
        for text in ["", "/home/zoë/Süß 😀/a b", "日本語", "quote\"'"] {
            #expect(printable(Array(text.utf8)) == text)
        }
    }

    @Test("No byte that steers a terminal gets through")
    func escapes() {
        #expect(printable([0x1b, 0x5b, 0x33, 0x31, 0x6d]) == "\\x1b[31m")
        #expect(printable(Array("a\nb\\c\u{7f}".utf8)) == "a\\x0ab\\x5cc\\x7f")
        // The eight-bit control sequence introducer, in UTF-8 and alone.
        #expect(printable(Array("\u{9b}".utf8)) == "\\xc2\\x9b")
        #expect(printable([0x9b]) == "\\x9b")
        #expect(printable(Array("\u{202e}txt.exe".utf8)) == "\\xe2\\x80\\xaetxt.exe")
    }

    @Test("Every single byte and pair of bytes comes out harmless and whole")
    func everyPair() {
        var wrong: [[UInt8]] = []
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let text = printable([first, second])
                let isHarmless = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
                if !isHarmless || bytes(of: text) != [first, second] {
                    wrong.append([first, second])
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    /// What `printable` was given: nothing may be lost.
    private func bytes(of text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else { result.append(byte); continue }
            rest.removeFirst()
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            result.append(UInt8(digits, radix: 16) ?? 0)
            rest.removeFirst(2)
        }
        return result
    }
}

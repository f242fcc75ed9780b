// SPDX-License-Identifier: EUPL-1.2
import Testing
import Vault

@Suite("Padmé")
struct PadmeTests {
    /// The paper's algorithm 1, in its own words and with floating point.
    private func paper(_ length: Int) -> Int {
        var exponent = 0
        while length >> (exponent + 1) > 0 { exponent += 1 }
        var significant = 1
        while exponent >> significant > 0 { significant += 1 }
        let lastBits = exponent - significant
        let step = 1 << lastBits
        return (length + step - 1) / step * step
    }

    @Test("pads as the paper's formula does")
    func formula() {
        for length in 2...70_000 { #expect(padme(length) == paper(length)) }
        var length = 70_001
        while length < 1 << 40 {
            #expect(padme(length) == paper(length))
            length += length / 97
        }
    }

    @Test(
        "gives the values that one works out by hand",
        arguments: [
            (2, 2), (8, 8), (9, 10), (16, 16), (17, 18), (100, 104), (1000, 1024),
            (65_536, 65_536), (65_537, 67_584), (1 << 24, 1 << 24), ((1 << 24) + 1, 17_301_504),
        ])
    func values(length: Int, padded: Int) {
        #expect(padme(length) == padded)
    }

    @Test("never shortens, costs at most 12 %, and leaves alone what it has padded")
    func bounds() {
        var length = 2
        var last = 0
        while length < 1 << 36 {
            let padded = padme(length)
            #expect(padded >= length)
            #expect(Double(padded - length) <= 0.12 * Double(length))
            #expect(padme(padded) == padded)
            #expect(padded >= last, "it rises with the length")
            last = padded
            length += 1 + length / 211
        }
    }
}

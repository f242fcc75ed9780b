// SPDX-License-Identifier: EUPL-1.2
import Testing
import Wire

@Suite("Cutting lines")
struct LineCutterTests {
    private func lines(_ bytes: [UInt8], cutAt places: [Int]) -> [LineCutter.Line] {
        var cutter = LineCutter()
        var lines: [LineCutter.Line] = []
        for (start, end) in zip([0] + places, places + [bytes.count]) {
            cutter.add(bytes[start..<end])
            while let line = cutter.next() { lines.append(line) }
        }
        return lines
    }

    @Test("Lines are the same wherever what comes is torn, the longest ones too")
    func torn() {
        let filler = { [UInt8](repeating: UInt8(ascii: "x"), count: $0) }
        let ends: [UInt8] = [0x0d, 0x0a]
        for count in [999, 1000, 1001, 1002, 2003] {
            let bytes = [0x61] + ends + filler(count) + ends + [0x0a, 0x0d, 0x62] + ends + ends
            let long = count > 999 ? LineCutter.Line.tooLong : .whole(filler(count)[...])
            let expected = [.whole([0x61]), long, .whole([0x0a, 0x0d, 0x62]), .whole([])]
            for place in 0...bytes.count {
                #expect(lines(bytes, cutAt: [place]) == expected, "\(count), torn at \(place)")
            }
            #expect(lines(bytes, cutAt: Array(1..<bytes.count)) == expected)
        }
    }
}

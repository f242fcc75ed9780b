// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

@Suite("A tar archive")
struct TarReaderTests {
    /// One entry as PostgreSQL writes it.
    private func entry(
        _ name: String, _ content: [UInt8] = [], flag: Character = "0", target: String = "",
        size: String? = nil
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ at: Int) {
            for (index, byte) in text.utf8.enumerated() { block[at + index] = byte }
        }
        func octal(_ number: Int, _ width: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: width - text.count) + text
        }
        put(name, 0)
        put("0000600", 100)
        put("0000145", 108)
        put("0000150", 116)
        put(size ?? octal(content.count, 11), 124)
        put(octal(1_700_000_000, 11), 136)
        put("        ", 148)
        put(String(flag), 156)
        put(target, 157)
        put("ustar", 257)
        put("00", 263)
        put(octal(block.reduce(0) { $0 + Int($1) }, 6), 148)
        block[154] = 0
        let padding = (512 - content.count % 512) % 512
        return block + content + [UInt8](repeating: 0, count: padding)
    }

    private let end = [UInt8](repeating: 0, count: 1024)

    private func read(
        _ bytes: [UInt8], pieces: Int = 1000, mustBeMarked: Bool = true
    ) throws -> MapSink {
        var sink = MapSink()
        try sink.begin(.base)
        var reader = TarReader()
        for offset in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes.span.extracting(offset..<min(bytes.count, offset + pieces))
            try reader.feed(piece, &sink)
        }
        try reader.finish(mustBeMarked: mustBeMarked)
        try sink.endArchive()
        #expect(sink.faults == 0)
        return sink
    }

    private var sample: [UInt8] {
        let long = String(repeating: "deep/", count: 30) + "file"
        return entry("base/", flag: "5") + entry("base/1", [1, 2, 3])
            + entry("./pg_wal/archive_status/", flag: "5")
            + entry("base/full", [UInt8](repeating: 7, count: 1024)) + entry("empty")
            + entry("pg_tblspc/16384/", flag: "2", target: "/else/where")
            + entry("././@LongLink", Array(long.utf8) + [0], flag: "L") + entry("cut", [9])
    }

    @Test("is read in pieces of any length")
    func pieces() throws {
        for length in [1, 3, 511, 512, 513, 100_000] {
            let sink = try read(sample + end, pieces: length)
            let paths = sink.entries.map { String(decoding: $0.path, as: UTF8.self) }
            #expect(paths.prefix(6) == [
                "base", "base/1", "pg_wal/archive_status", "base/full", "empty",
                "pg_tblspc/16384",
            ])
            #expect(paths.last?.utf8.count == 154)
            #expect(sink.entries[5].kind == .symlink(target: Array("/else/where".utf8)))
            let file = sink.entries[1]
            #expect(file.mode == 0o600 && file.owner == 101 && file.group == 104)
            #expect(file.modified == 1_700_000_000)
            #expect(sink.files[.base]?[Array("base/full".utf8)]?.count == 1024)
        }
    }

    @Test("may lack its end only where servers are old, and nothing else")
    func truncated() throws {
        _ = try read(sample, mustBeMarked: false)
        let whole = sample + end
        for count in [1, 511, 513, 1100, sample.count - 1, sample.count + 512] {
            #expect(throws: ServerError.self) {
                try read(Array(whole.prefix(count)), mustBeMarked: false)
            }
        }
        #expect(throws: ServerError.self) { try read(sample) }
        #expect(throws: ServerError.self) { try read(whole + [1]) }
        #expect(throws: ServerError.self) { try read(end.prefix(512) + sample + end) }
    }

    @Test("with a name, a number or a kind that must not be is refused")
    func hostile() throws {
        for name in ["/etc/passwd", "../x", "a/../b", "a//b", ".", "", "./", "a/./b", "././a"] {
            #expect(throws: ServerError.self, "\(name)") { try read(entry(name) + end) }
        }
        for flag in ["1", "3", "6", "x", "g", "S"] as [Character] {
            #expect(throws: ServerError.self) { try read(entry("a", flag: flag) + end) }
        }
        for size in ["77777777777", "0000000000x", "99999999999"] {
            #expect(throws: ServerError.self) { try read(entry("a", size: size) + end) }
        }
        #expect(throws: ServerError.self) { try read(entry("a", [1], flag: "5") + end) }
        #expect(throws: ServerError.self) { try read(entry("a", flag: "2") + end) }
        let link = entry("in", flag: "2", target: "/etc")
        #expect(throws: ServerError.self) { try read(link + entry("in/passwd") + end) }
        let huge = entry("L", [UInt8](repeating: 65, count: 5000), flag: "L")
        #expect(throws: ServerError.self) { try read(huge + entry("a") + end) }
        var broken = entry("a")
        broken[3] = 1
        let error = #expect(throws: ServerError.self) { try read(broken + end) }
        #expect(error?.trouble.message.english.contains("checksum differs at byte 148") == true)
    }

    @Test("of any bytes is read or refused, and leads nowhere else")
    func fuzz() throws {
        let whole = sample + end
        for seed in 0..<3000 {
            var dice = Dice(seed: UInt64(seed))
            var mutant = whole
            for _ in 0...dice.below(3) { dice.mutate(&mutant) }
            // Half of them by somebody who can count.
            if dice.below(2) == 0 { mutant = summed(mutant) }
            do {
                let sink = try read(mutant, pieces: 1 + dice.below(2000))
                for entry in sink.entries {
                    let steps = entry.path.split(
                        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                    #expect(!steps.contains { [[], [46], [46, 46]].contains(Array($0)) })
                }
            } catch { #expect(error is ServerError) }
        }
    }

    /// The same with the sum of every block that looks like a header set right.
    private func summed(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for start in stride(from: 0, to: bytes.count - 511, by: 512)
        where bytes[start + 257] == UInt8(ascii: "u") {
            for index in 148..<156 { bytes[start + index] = 32 }
            let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
            let text = String(sum, radix: 8)
            let digits = String(repeating: "0", count: 6 - text.count) + text
            for (index, byte) in digits.utf8.enumerated() { bytes[start + 148 + index] = byte }
        }
        return bytes
    }
}

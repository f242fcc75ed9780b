// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Testing

/// Mutated files through every reader of this room: each is taken, or refused with its place.
@Suite("Fuzz: a blueprint")
struct BlueprintFuzzTests {
    /// Seconds for each file, where `ZWILLING_FUZZ_SECONDS` asks for more.
    private static let seconds = ProcessInfo.processInfo.environment["ZWILLING_FUZZ_SECONDS"]
        .flatMap { Int($0) }

    private static let pieces = [
        "\n", "\r", "  ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "&a ", "*a", "|", ">", "#", "\t",
        "\u{0}", "é", "~", ";", ",", "::", ":<", "=", "<", "</", "/>", "<!--", "]]>", "&#x41;", "<?",
    ].map { Array($0.utf8) }

    private static func mutated(
        _ bytes: [UInt8], _ dice: inout SplitMix
    ) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &dice) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &dice)
            switch Int.random(in: 0..<5, using: &dice) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &dice)
            case 1: bytes.remove(at: place)
            case 2:
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &dice)]
                bytes.insert(contentsOf: piece, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + 40))
            default:
                let end = min(bytes.count, place + 60)
                let other = Int.random(in: 0..<bytes.count, using: &dice)
                bytes.insert(contentsOf: bytes[place..<end], at: other)
            }
        }
        return bytes
    }

    private static func run(_ file: String, seed: UInt64) {
        var dice = SplitMix(state: seed)
        var files = beside.mapValues { Array($0.utf8) }
        files["institution.yaml"] = Array(town.utf8)
        let changed = mutated(files[file] ?? [], &dice)
        files[file] = changed
        let (blueprint, findings) = Blueprint.read(
            files["institution.yaml"] ?? [], name: "institution.yaml"
        ) { files[$0] }
        let isRefused = findings.contains { $0.severity == .error }
        #expect((blueprint == nil) == isRefused, "\(file), seed \(seed)")
        let lines = changed.count { $0 == 0x0a || $0 == 0x0d } + 1
        for place in findings.map(\.place) where place.file == file {
            // libyaml also counts breaks that only Unicode knows.
            #expect(place.line >= 1 && place.column >= 1, "\(file), seed \(seed)")
            #expect(file == "institution.yaml" || place.line <= lines, "\(file), seed \(seed)")
        }
    }

    private static let files = ["institution.yaml", "people.csv", "staff.ldif", "wohngeld.bpmn"]

    @Test("finds no bytes at which a reader does worse than refuse", arguments: files)
    func few(file: String) {
        for seed in 0..<400 { Self.run(file, seed: UInt64(seed)) }
    }

    @Test("goes on for as long as one likes", .enabled(if: seconds != nil), arguments: files)
    func longer(file: String) {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Self.seconds ?? 0)
        var seed = UInt64.random(in: 0...UInt64.max)
        print("fuzzing \(file) from seed \(seed)")
        while clock.now < end {
            Self.run(file, seed: seed)
            seed &+= 1
        }
    }
}

/// Steele, Lea and Flood (2014): the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

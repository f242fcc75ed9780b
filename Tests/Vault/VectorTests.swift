// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Foundation
import Ground
import Testing
import Vault

/// docs/format-vectors.json: what another reader checks itself against. Numbers are decimal
/// strings, because JSON's are not exact; bytes are hexadecimal.
struct Vectors: Codable, Equatable {
    struct Number: Codable, Equatable { let value, bytes: String }
    struct Padded: Codable, Equatable { let length, padded: String }
    struct Derived: Codable, Equatable { let secret, label, context, key: String }
    struct Word: Codable, Equatable { let domainSecret, index, word: String }
    struct Identified: Codable, Equatable { let domainSecret, kind, plain, id: String }
    struct Cut: Codable, Equatable {
        let domainSecret, seed, length: String
        let chunks: [String]
    }
    struct Fingerprinted: Codable, Equatable { let publicKey, fingerprint: String }
    struct Ratcheted: Codable, Equatable { let secret, number, key, commitment: String }

    struct Typed: Codable, Equatable { let secret, vault, root, token, name, key: String }

    var varint: [Number] = []
    var signed: [Number] = []
    var padme: [Padded] = []
    var derive: [Derived] = []
    var gear: [Word] = []
    var chunkId: [Identified] = []
    var cuts: [Cut] = []
    var fingerprint: [Fingerprinted] = []
    var unitKey: [Ratcheted] = []
    var token: [Typed] = []
}

/// Because `padme` is the name of a group of vectors, too.
private func padmeOf(_ length: Int) -> Int { padme(length) }

extension Vectors {
    private static let secrets = [
        [UInt8](0..<32), [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xff, count: 32),
    ]

    /// Computed by the program's own code.
    static func computed() throws -> Vectors {
        var vectors = Vectors()
        vectors.addNumbers()
        vectors.addKeys()
        vectors.addCuts()
        vectors.addUnitKeys()
        vectors.addTokens()
        for seed in secrets {
            let key = try Strongbox.recipientKey(seed).publicKey
            vectors.fingerprint.append(
                Fingerprinted(
                    publicKey: key.rawRepresentation.hex,
                    fingerprint: Sealing.fingerprint(key).hex))
        }
        return vectors
    }

    private mutating func addNumbers() {
        let numbers: [UInt64] = [
            0, 1, 127, 128, 300, 16_383, 16_384, 1 << 32 - 1, 1 << 32, 1 << 63, .max,
        ]
        for value in numbers {
            var writer = ByteWriter()
            writer.varint(value)
            varint.append(Number(value: "\(value)", bytes: writer.bytes.hex))
        }
        let signs: [Int64] = [0, -1, 1, -64, 63, 64, -1_000_000, 1_700_000_000, .min, .max]
        for value in signs {
            var writer = ByteWriter()
            writer.signed(value)
            signed.append(Number(value: "\(value)", bytes: writer.bytes.hex))
        }
        for length in [
            2, 3, 8, 9, 17, 100, 1000, 65_536, 65_537, 12_582_913, 25_165_825, 50_000_000,
        ] {
            padme.append(Padded(length: "\(length)", padded: "\(padmeOf(length))"))
        }
    }

    private mutating func addKeys() {
        for secret in Self.secrets {
            let key = SymmetricKey(data: secret)
            for (label, context) in [
                ("zwilling access", []), ("zwilling strongbox", [UInt8](32..<64)),
                ("zwilling data id", []), ("zwilling chunk table", [UInt8](0..<16)),
            ] as [(String, [UInt8])] {
                derive.append(
                    Derived(
                        secret: secret.hex, label: label, context: context.hex,
                        key: Sealing.derive(key, label, context).bytes.hex))
            }
            let domain = Self.domain(secret)
            for index in [0, 1, 97, 255] {
                gear.append(
                    Word(
                        domainSecret: secret.hex, index: "\(index)",
                        word: "\(domain.gear.table[index])"))
            }
            for plain in [[0], Array("Zwilling".utf8), [UInt8](0...255)] {
                for (kind, content) in [("data", PackContent.data), ("tree", .tree)] {
                    chunkId.append(
                        Identified(
                            domainSecret: secret.hex, kind: kind, plain: plain.hex,
                            id: domain.chunkId(of: plain[...], content).hex))
                }
            }
        }
    }

    /// As a writer makes them, one after the other.
    private mutating func addUnitKeys() {
        for secret in Self.secrets {
            var ratchet = UnitRatchet(SymmetricKey(data: secret))
            for number in 0..<9000 {
                let key = ratchet.next()
                guard [0, 1, 2, 100, 8999].contains(number) else { continue }
                unitKey.append(
                    Ratcheted(
                        secret: secret.hex, number: "\(number)", key: key.bytes.hex,
                        commitment: UnitRatchet.commitment(to: key).hex))
            }
        }
    }

    private mutating func addTokens() {
        let vault = Identifier(from: .seeded(1))
        for secret in Self.secrets.map({ Array($0.prefix(16)) }) {
            let root = Sealing.hash(secret)
            let world = World(now: { Moment(seconds: 0) }, random: { Array(secret.prefix($0)) })
            let one = Token(for: root, from: world)
            token.append(
                Typed(
                    secret: secret.hex, vault: vault.description, root: root.hex, token: one.text,
                    name: one.name(vault: vault, root: root).description,
                    key: one.key(vault: vault, root: root).bytes.hex))
        }
    }

    private mutating func addCuts() {
        for (number, length) in [1, 131_072, 131_073, 524_288, 1_500_000, 2_500_000].enumerated() {
            let secret = Self.secrets[number % 3]
            let seed = "zwilling cuts \(number)"
            let bytes = Self.stream(seed, length)
            let gear = Self.domain(secret).gear
            var chunks: [String] = []
            var start = 0
            while start < length {
                let count = gear.cut(bytes[start...])
                chunks.append("\(count)")
                start += count
            }
            cuts.append(
                Cut(domainSecret: secret.hex, seed: seed, length: "\(length)", chunks: chunks))
        }
    }

    private static func domain(_ secret: [UInt8]) -> Domain {
        Domain(id: Identifier(from: .seeded(1)), secret: SymmetricKey(data: secret))
    }

    /// SHA-256(seed ‖ u64 0) ‖ SHA-256(seed ‖ u64 1) ‖ …, cut off at `length`.
    static func stream(_ seed: String, _ length: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 32)
        for counter: UInt64 in 0... {
            guard bytes.count < length else { break }
            var writer = ByteWriter()
            writer.raw(Array(seed.utf8))
            writer.u64(counter)
            Sealing.hash(writer.bytes).append(to: &bytes)
        }
        return Array(bytes.prefix(length))
    }
}

@Suite("Test vectors of the format")
struct VectorTests {
    private let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/format-vectors.json")

    @Test("are what this program computes")
    func agree() throws {
        let computed = try Vectors.computed()
        if ProcessInfo.processInfo.environment["ZWILLING_WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try (encoder.encode(computed) + Data("\n".utf8)).write(to: file)
        }
        let written = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
        #expect(written.varint == computed.varint)
        #expect(written.signed == computed.signed)
        #expect(written.padme == computed.padme)
        #expect(written.derive == computed.derive)
        #expect(written.gear == computed.gear)
        #expect(written.chunkId == computed.chunkId)
        #expect(written.cuts == computed.cuts)
        #expect(written.fingerprint == computed.fingerprint)
        #expect(written.unitKey == computed.unitKey)
        #expect(written.token == computed.token)
        #expect(written == computed)
    }

    @Test("of units are what a reader computes, too")
    func unitKeys() throws {
        for vector in try Vectors.computed().unitKey.reversed() {
            var keys = UnitKeys(
                SymmetricKey(data: try #require([UInt8](hex: vector.secret))))
            #expect(keys.key(of: 8999) == keys.key(of: 8999))
            let number = try #require(UInt32(vector.number))
            #expect(keys.key(of: number).bytes.hex == vector.key)
        }
    }

    @Test("cut as the page's words do, recomputed slowly")
    func cuts() throws {
        for vector in try Vectors.computed().cuts {
            let secret = try #require([UInt8](hex: vector.domainSecret))
            let key = Sealing.derive(SymmetricKey(data: secret), "zwilling gear")
            let bytes = Vectors.stream(vector.seed, try #require(Int(vector.length)))
            #expect(NaiveCutter(gearKey: key).cuts(bytes).map { "\($0)" } == vector.chunks)
        }
    }
}

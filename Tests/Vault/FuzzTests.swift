// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Foundation
import Ground
import Sites
import Testing
import Vault

/// One way in for bytes that nobody vouches for.
struct Decoder: Sendable, CustomTestStringConvertible {
    let name: String
    /// Valid objects, from which mutations start.
    let samples: [[UInt8]]
    /// Mutations in a normal run: fewer where each costs a signature.
    let rounds: Int
    /// Returns, or throws `Malformed`, `Trouble`, `Unopened`, `RecordTrouble` or `UnitTrouble`.
    let decode: @Sendable ([UInt8]) throws -> Void

    var testDescription: String { name }
}

@Suite("Fuzzing")
struct FuzzTests {
    /// Seeds that run every time; one that ever found something stays here.
    static let seeds: [UInt64] = [1, 2, 3, 0xdead_beef, 20_260_101]

    /// Seconds a decoder, where `ZWILLING_FUZZ_SECONDS` asks for more, from a seed of its own or
    /// from `ZWILLING_FUZZ_SEED`.
    private static let seconds = wish("SECONDS").flatMap(Double.init)
    private static let seed = wish("SEED").flatMap(UInt64.init)

    private static func wish(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["ZWILLING_FUZZ_\(name)"]
    }

    private static func attempt(_ decoder: Decoder, _ mutated: [UInt8], seed: UInt64) {
        do { try decoder.decode(mutated) } catch {
            let isExpected =
                error is Malformed || error is Trouble || error is Unopened
                || error is Record.RecordTrouble || error is SealedUnit.UnitTrouble
            #expect(isExpected, "\(decoder.name), seed \(seed): \(error)")
        }
    }

    private static func run(_ decoder: Decoder, seed: UInt64, rounds: Int) {
        var mutation = Mutation(seed: seed)
        for _ in 0..<rounds {
            let sample = decoder.samples[mutation.dice.below(decoder.samples.count)]
            attempt(decoder, mutation.mutate(sample, others: decoder.samples), seed: seed)
        }
    }

    @Test("finds no bytes at which a decoder does worse than refuse")
    func decoders() async throws {
        for decoder in try await Decoders().all {
            for sample in decoder.samples {
                #expect(throws: Never.self, "\(decoder.name)") { try decoder.decode(sample) }
            }
            for seed in Self.seeds {
                Self.run(decoder, seed: seed, rounds: decoder.rounds / Self.seeds.count)
            }
        }
    }

    @Test("goes on for as long as one likes", .enabled(if: seconds != nil))
    func longer() async throws {
        let clock = ContinuousClock()
        var seed = Self.seed ?? UInt64.random(in: 0...UInt64.max)
        for decoder in try await Decoders().all {
            let end = clock.now + .seconds(Self.seconds ?? 0)
            print("fuzzing \(decoder.name) from seed \(seed)")
            while clock.now < end {
                Self.run(decoder, seed: seed, rounds: 50)
                seed &+= 1
            }
        }
    }
}

/// Every decoder of the vault, with valid objects for each.
struct Decoders {
    let all: [Decoder]

    init() async throws {
        let test = try await TestVault()
        let done = try await test.protect([prose(2000), noise(3000)])
        let again = try await test.protect([prose(2000), noise(30)], on: done.cache)
        all =
            try await Self.keyrings(test) + Self.records(test) + Self.packs(test)
            + Self.units(test) + Self.invitations() + Self.trees()
            + Self.local(test, again.cache)
    }

    private static func keyrings(_ test: TestVault) async throws -> [Decoder] {
        let object = try await test.site.bytes(Keyring.name(1))
        let parts = try await test.keyringParts()
        let root = try test.unlocked.strongbox.root
        // Up to the costs of scrypt: others may take up to a gigabyte each.
        let costs = Array(parts.body[..<(try parts.waysStart() + 12)])
        return [
            Decoder(name: "keyring", samples: [object], rounds: 500) {
                _ = try Keyring(decoding: $0)
            },
            // Signed by root, so that the mutations get past the signature.
            Decoder(name: "keyring body", samples: [parts.body], rounds: 300) { body in
                var changed = parts
                changed.body = body
                let keyring = try Keyring(decoding: changed.signed(by: root))
                if body.starts(with: costs) {
                    _ = try keyring.unlock(passphrase: TestVault.passphrase)
                }
            },
        ]
    }

    private static func records(_ test: TestVault) async throws -> [Decoder] {
        let key = try test.keys.publicKey
        let observer = try test.observer
        let objects = [
            try await test.site.bytes(test.record(1)), try await test.site.bytes(test.record(2)),
        ]
        let parts = try objects.map { try RecordParts($0, observer) }
        let seed = test.keys.signingSeed
        return [
            Decoder(name: "record", samples: objects, rounds: 2000) {
                _ = try Record(decoding: $0, writerKey: key)
            },
            Decoder(
                name: "signed record", samples: objects.map { Array($0.dropLast(64)) },
                rounds: 1000
            ) {
                let record = try Record(decoding: signed($0, by: seed), writerKey: key)
                _ = try record.body(with: observer)
            },
            Decoder(name: "record body", samples: parts.map(\.body), rounds: 1000) { body in
                var changed = parts[0]
                changed.body = body
                let object = try changed.sealed(to: observer.publicKey, signedBy: seed)
                _ = try Record(decoding: object, writerKey: key).body(with: observer)
            },
        ]
    }

    private static func packs(_ test: TestVault) async throws -> [Decoder] {
        let domain = test.domain
        let reader = try test.unlocked.strongbox.reader(of: 1)
        var fronts: [[UInt8]] = []
        var tables: [[UInt8]] = []
        for name in try await test.site.packNames() {
            let bytes = try await test.site.bytes(name)
            let front = try PackFront(name: .zero, decoding: bytes)
            fronts.append(Array(bytes[..<front.chunksStart]))
            tables.append(try front.table(domain, at: "test").encoded)
        }
        return [
            Decoder(name: "pack front", samples: fronts, rounds: 1500) { bytes in
                let front = try PackFront(name: .zero, decoding: bytes)
                _ = try front.table(domain, at: "test")
                _ = try front.contentKey(reader, at: "test")
            },
            Decoder(name: "chunk table", samples: tables, rounds: 3000) { bytes in
                let table = try ChunkTable(decoding: bytes, content: .data)
                #expect(table.rows.allSatisfy { $0.plain > 0 && $0.stored <= $0.plain })
            },
            Decoder(name: "zstd frame", samples: try frames(), rounds: 5000) { frame in
                var room = [UInt8](repeating: 0, count: 5000)
                _ = Decompressor().decompress(frame, into: &room, plainBytes: 5000)
            },
        ]
    }

    private static func units(_ test: TestVault) async throws -> [Decoder] {
        let session = try test.session()
        var objects: [[UInt8]] = []
        for bytes in [prose(9000), noise(300), []] {
            let reference = try await session.append(bytes[...], span(0..<bytes.count))
            objects.append(try await test.site.bytes(reference.name))
        }
        let (key, seed) = (try test.keys.publicKey, test.keys.signingSeed)
        let reader = try test.unlocked.strongbox.reader(of: 1)
        let observer = try test.observer
        let facts = UnitFacts(dataSet: "db", span: span(0..<100)).encoded
        return [
            Decoder(name: "unit", samples: objects, rounds: 2000) {
                _ = try SealedUnit(decoding: $0, writerKey: key)
            },
            Decoder(
                name: "signed unit", samples: objects.map { Array($0.dropLast(64)) }, rounds: 1000
            ) {
                let unit = try SealedUnit(decoding: signedUnit($0, by: seed), writerKey: key)
                var keys = try unit.front.keys(.facts, with: observer)
                _ = try unit.facts(&keys)
                keys = try unit.front.keys(.content, with: reader)
                _ = try unit.content(&keys, Decompressor())
            },
            Decoder(name: "facts of a unit", samples: [facts], rounds: 5000) {
                _ = try UnitFacts(decoding: $0)
            },
            // Behind the tag nothing but these bytes stands between a writer and the reader.
            Decoder(
                name: "content of a unit",
                samples: [noise(40), prose(900)].map { UnitContent.encode($0[...], facts: 496) },
                rounds: 3000
            ) { _ = try UnitContent.decode($0, Decompressor()) },
        ]
    }

    private static func invitations() async throws -> [Decoder] {
        let invited = try await InvitedVault()
        let site = try await invited.claimed()
        let keyring = invited.vault.keyring
        let invitation = try await site.bytes(invited.objects[0])
        let claim = try await site.bytes(invited.objects[1])
        let root = try invited.test.unlocked.strongbox.root
        let keys = try await invited.enrol(invited.machine(7), at: site)
        return [
            Decoder(name: "invitation", samples: [invitation], rounds: 300) {
                _ = try Invitation(decoding: $0, of: keyring)
            },
            Decoder(
                name: "signed invitation",
                samples: [Array(invitation.dropLast(RootIdentity.signatureBytes))], rounds: 300
            ) {
                let message = Sealing.labelled("zwilling invitation", $0)
                _ = try Invitation(decoding: $0 + root.signatures(of: message), of: keyring)
            },
            Decoder(name: "claim", samples: [claim], rounds: 2000) {
                _ = try Claim(decoding: $0, of: keyring)
            },
            Decoder(name: "signed claim", samples: [Array(claim.dropLast(64))], rounds: 1000) {
                let object = try signed($0, as: "zwilling claim", by: keys.signingSeed)
                _ = try Claim(decoding: object, of: keyring)
            },
            Decoder(
                name: "token", samples: [Array(invited.token.text.utf8)], rounds: 5000
            ) { _ = try Token(typed: $0) },
        ]
    }

    private static func frames() throws -> [[UInt8]] {
        try [prose(5000), prose(4000) + noise(1000)].map { plain in
            var room = [UInt8](repeating: 0, count: Compressor.bound(plain.count))
            let count = Compressor(level: 3).compress(plain[...], into: &room, at: 0)
            return Array(room[..<(try #require(count))])
        }
    }

    private static func trees() -> [Decoder] {
        let rich = SectionTests.rich
        let small = Section(
            parent: [], chunks: [], entries: [(0, entry("a", .directory)), (0, entry("b"))])
        let roots = RootChunk.encode(
            SectionTests.references.map {
                SectionReference(chunk: $0, entries: 5, first: [[1], Array("home".utf8)])
            })
        let attributes = AttributeList.encode([
            .init(name: Array("user.a".utf8), value: noise(300)),
            .init(name: Array("security.capability".utf8), value: []),
        ])
        return [
            Decoder(name: "section", samples: [rich.encoded, small.encoded], rounds: 6000) {
                let section = try Section(decoding: $0)
                section.forEach { path, _ in #expect(path.allSatisfy(isPlainName)) }
                let again = try Section(decoding: section.encoded)
                #expect(again.entries.map(\.entry) == section.entries.map(\.entry))
            },
            Decoder(
                name: "chunk list", samples: [ChunkList.encode(SectionTests.references)],
                rounds: 5000
            ) { _ = try ChunkList.decode($0) },
            Decoder(name: "root chunk", samples: [roots], rounds: 5000) {
                let sections = try RootChunk.decode($0)
                #expect(sections.allSatisfy { $0.first.allSatisfy(isPlainName) })
            },
            Decoder(name: "attribute list", samples: [attributes], rounds: 5000) {
                _ = try AttributeList.decode($0)
            },
        ]
    }

    private static func local(_ test: TestVault, _ cache: WriterCache) async throws -> [Decoder] {
        let memory = try await test.memory().encoded
        let domain = test.domain
        let head = CacheHead(cache).encoded(for: domain)
        let remembered = try #require(cache.dataSets["files"]).encoded
        return [
            Decoder(name: "writer keys", samples: [test.keys.encoded], rounds: 5000) {
                _ = try WriterKeys(decoding: $0)
            },
            Decoder(name: "memory", samples: [memory], rounds: 5000) {
                _ = try Memory(decoding: $0)
            },
            Decoder(name: "cache", samples: [head], rounds: 5000) {
                _ = try CacheHead(decoding: $0, for: domain)
            },
            // With a code that fits, so that the mutations get past it.
            Decoder(name: "cache body", samples: [Array(head.dropLast(Digest.byteCount))], rounds: 5000) {
                _ = try CacheHead(decoding: CacheHead.coded($0, for: domain), for: domain)
            },
            Decoder(name: "memory of a data set", samples: [remembered], rounds: 5000) {
                var reader = ByteReader($0)
                _ = try WriterCache.DataSetMemory(decoding: &reader)
            },
        ]
    }
}

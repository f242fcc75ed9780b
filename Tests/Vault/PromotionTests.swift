// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A promotion")
struct PromotionTests {
    private func promote(
        _ test: TestVault, _ holder: String, after term: UInt32, from vault: Vault? = nil, cutting cuts: [Promotion.Cut] = []
    ) async throws -> Vault {
        let vault = vault ?? test.vault
        return try await vault.promoting(
            holder, .emergency, after: term, cutting: cuts, with: test.unlocked.following(vault.keyring), world: test.world)
    }

    @Test("is granted once by each token, also where two ask at the same moment")
    func token() async throws {
        let test = try await TestVault()
        let first = try await promote(test, "aaaaaaaa", after: 0)
        #expect(first.keyring.promotion?.term == 1 && first.keyring.promotion?.holder == "aaaaaaaa")
        // By the same old keyring, and by the new one with the old term.
        for vault in [test.vault, first] {
            let refused = try await trouble { _ = try await promote(test, "bbbbbbbb", after: 0, from: vault) }
            #expect(refused?.kind == .exists)
        }
        // An answer that was lost: the same again changes nothing.
        let again = try await promote(test, "aaaaaaaa", after: 0, from: test.vault)
        #expect(again.keyring.number == first.keyring.number)
        let winners = await withTaskGroup(of: String?.self) { group in
            for name in ["cccccccc", "dddddddd", "eeeeeeee"] {
                group.addTask {
                    do { return try await promote(test, name, after: 1, from: first).keyring.promotion?.holder } catch { return nil }
                }
            }
            return await group.reduce(into: [String]()) { all, one in one.map { all.append($0) } }
        }
        #expect(winners.count == 1)
        let now = try await Vault(at: test.site, remembering: nil).keyring.promotion
        #expect(now?.holder == winners.first && now?.term == 2)
    }

    @Test("goes on where somebody else changes the keyring meanwhile, and is carried on by every later one")
    func carried() async throws {
        let test = try await TestVault()
        let (other, _) = try await test.vault.adding(
            writerNamed: "mill", with: test.unlocked, companions: [], world: test.world)
        let promoted = try await promote(test, "aaaaaaaa", after: 0)
        #expect(promoted.keyring.number == other.keyring.number + 1)
        let (later, _) = try await promoted.adding(
            writerNamed: "third", with: test.unlocked.following(promoted.keyring), companions: [], world: test.world)
        #expect(later.keyring.promotion == promoted.keyring.promotion)
        #expect(later.keyring.writers.map(\.name) == ["hall", "mill", "third"])
    }

    @Test("cuts who had the work: later records and units of theirs count no more, earlier ones do")
    func cut() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)], "db")
        let session = try test.session()
        for number in 0..<3 { try await session.append(100 * number..<100 * number + 100) }
        let cuts = try await test.observed().cuts(of: ["db"], test.units())
        #expect(cuts == [Promotion.Cut(writer: test.keys.writer, head: first.head, units: [1: 2])])
        #expect(try await test.observed().cuts(of: ["other"], test.units()).isEmpty)
        // The original wakes up before it learns of it: in its old session, in a new one, and in its chain.
        _ = try await promote(test, "aaaaaaaa", after: 0, cutting: cuts)
        try await session.append(300..<400)
        let late = try await trouble { _ = try await test.protect([prose(500, seed: 2)], on: first.cache, "db") }
        #expect(late?.kind == .wrongKey)
        let now = try await TestVault(test, at: test.site)
        #expect(try await now.observed().snapshots.map(\.id) == [first.head.hash])
        let units = try await now.units()
        #expect(units.facts.map(\.number) == [0, 1, 2] && units.troubles.isEmpty)
        let refused = try await trouble { _ = try VaultWriter(now.vault, keys: test.keys, world: test.world) }
        #expect(refused?.kind == .wrongKey)
        #expect(try await now.findings().isEmpty)
    }

    @Test("is granted by the site that decides, or by nobody: two halves of a cut network have one")
    func decidingSite() async throws {
        let test = try await TestVault()
        let other = test.site.copy()
        // Each half sees one of the two.
        func half(_ first: Bool, _ second: Bool) -> SpreadSite {
            var patience = SpreadPatience()
            (patience.decision, patience.record, patience.put) = (.milliseconds(50), .milliseconds(50), .milliseconds(100))
            let gone = MemorySite(label: "gone")
            gone.fail(.init(1...10_000, Trouble(.system, Words("gone", de: "weg"))))
            return SpreadSite(
                [
                    SpreadSite.Member(first ? test.site : gone, name: "deciding"),
                    SpreadSite.Member(second ? other : gone, name: "other"),
                ], required: 1, patience: patience)
        }
        let far = try await Vault(at: half(false, true), remembering: nil)
        let refused = try await trouble { _ = try await promote(test, "bbbbbbbb", after: 0, from: far) }
        #expect(refused?.kind == .system && refused?.message.english.contains("deciding") == true)
        let near = try await Vault(at: half(true, false), remembering: nil)
        #expect(try await promote(test, "aaaaaaaa", after: 0, from: near).keyring.promotion?.holder == "aaaaaaaa")
    }

    @Test("that says nothing sensible is refused, also where root has signed it")
    func malformed() async throws {
        let test = try await TestVault()
        let promoted = try await promote(test, "aaaaaaaa", after: 0, cutting: [Promotion.Cut(writer: test.keys.writer, head: .start, units: [1: 2])])
        let bytes = try #require(promoted.keyring.promotion).encoded
        #expect(try Promotion(decoding: bytes) == promoted.keyring.promotion)
        // Term, then the holder's name with its length, then the kind.
        let kind = 4 + 1 + 8
        for (place, value) in [(0, UInt8(0)), (kind, 0), (kind, 4)] {
            var changed = bytes
            changed[place] = value
            #expect(throws: Malformed.self, "byte \(place)") { try Promotion(decoding: changed) }
        }
        for count in bytes.indices { #expect(throws: Malformed.self) { try Promotion(decoding: Array(bytes[..<count])) } }
        #expect(throws: Malformed.self) { try Promotion(decoding: bytes + [0]) }
    }
}

@Suite("What two sides of a handover say")
struct HandoverTests {
    private func said(_ kind: Handover.Kind, by writer: Identifier?, _ id: String = "0badcafe") -> Handover {
        let cut = Promotion.Cut(
            writer: Identifier([UInt8](repeating: 7, count: 16)) ?? .init(from: .seeded(1)), head: ChainHead(sequence: 9, hash: Digest(1, 2, 3, 4)),
            units: [3: 4, 1: 2])
        return Handover(id, kind, of: 5, by: writer, cuts: kind == .given ? [cut] : [])
    }

    private func encoded(_ test: TestVault, _ said: Handover) throws -> [UInt8] {
        try said.writer == nil
            ? said.encoded(by: test.unlocked.strongbox.root, of: test.vault.keyring.vault) : said.encoded(by: test.keys)
    }

    @Test("comes back as it was said, and only from whoever may say it")
    func signers() async throws {
        let test = try await TestVault()
        for (kind, isRoot, isRight) in [
            (Handover.Kind.asked, true, true), (.asked, false, false), (.given, true, false), (.given, false, true),
            (.taken, true, true), (.taken, false, false), (.kept, true, true), (.kept, false, true),
        ] {
            let said = said(kind, by: isRoot ? nil : test.keys.writer)
            let bytes = try encoded(test, said)
            guard isRight else {
                #expect(throws: Malformed.self, "\(kind)") { try Handover(decoding: bytes, of: test.vault.keyring) }
                continue
            }
            let read = try Handover(decoding: bytes, of: test.vault.keyring)
            #expect(read.id == said.id && read.kind == kind && read.term == 5 && read.cuts == said.cuts && read.writer == said.writer)
            for place in bytes.indices where place % 7 == 0 || place < 80 {
                var changed = bytes
                changed[place] ^= 1 << UInt8(place % 8)
                #expect(throws: Malformed.self, "\(kind), byte \(place)") { try Handover(decoding: changed, of: test.vault.keyring) }
            }
        }
    }

    @Test("of those who decide, one does, and both learn who")
    func decision() async throws {
        let test = try await TestVault()
        let asked = said(.asked, by: nil)
        _ = try await test.vault.state(asked, encoded(test, asked))
        #expect(try await test.vault.openHandovers().map(\.id) == ["0badcafe"])
        let (taken, kept) = (said(.taken, by: nil), said(.kept, by: test.keys.writer))
        #expect(try await test.vault.state(kept, encoded(test, kept)).kind == .kept)
        #expect(try await test.vault.state(taken, encoded(test, taken)).kind == .kept)
        #expect(try await test.vault.handover("0badcafe", .decided)?.kind == .kept)
        #expect(try await test.vault.openHandovers().isEmpty)
        #expect(try await test.findings().isEmpty)
        // What a site plants there is no word of anybody.
        let name = try #require(Handover.name("0badcafe", .given))
        try await test.site.put(name, [1, 2, 3], existing: .refuse)
        let refused = try await trouble { _ = try await test.vault.handover("0badcafe", .given) }
        #expect(refused?.kind == .damaged)
        for id in ["", "../x", "0BADCAFE", "0badcafe0", "zz"] { #expect(Handover.name(id, .asked) == nil) }
    }
}

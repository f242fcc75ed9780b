// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A keyring")
struct KeyringTests {
    @Test("comes back as it was written, and opens with the passphrase")
    func roundTrip() async throws {
        let test = try await TestVault()
        let object = try await test.site.bytes(Keyring.name(1))
        let keyring = try Keyring(decoding: object)
        let written = test.unlocked.keyring
        #expect(keyring.vault == written.vault)
        #expect(keyring.number == 1)
        #expect(keyring.previous == .zero)
        #expect(keyring.root == written.root)
        #expect(keyring.made == written.made)
        #expect(keyring.epochs.map(\.number) == [1])
        #expect(keyring.writers.map(\.name) == ["hall"])
        #expect(keyring.writers[0].id == test.keys.writer)
        #expect(try keyring.writers[0].publicKey == test.keys.publicKey)
        let unlocked = try keyring.unlock(passphrase: TestVault.passphrase)
        let (one, other) = (unlocked.strongbox, test.unlocked.strongbox)
        #expect(one.observerSeed == other.observerSeed)
        #expect(one.rootSeeds.classical == other.rootSeeds.classical)
        #expect(one.rootSeeds.postQuantum == other.rootSeeds.postQuantum)
        #expect(one.readerSeeds.map(\.seed) == other.readerSeeds.map(\.seed))
        let domain = try unlocked.domain(of: keyring.writers[0])
        #expect(domain.secret.bytes == test.keys.domainSecret)
    }

    @Test("does not open with another passphrase")
    func wrongPassphrase() async throws {
        let test = try await TestVault()
        let wrong: [[UInt8]] = [
            [], TestVault.passphrase + [10], Array(TestVault.passphrase.dropLast()),
            Array("Correct horse".utf8),
        ]
        for passphrase in wrong {
            let refused = try await trouble { _ = try test.vault.unlock(passphrase: passphrase) }
            #expect(refused?.kind == .wrongKey)
        }
    }

    @Test("is refused wherever a byte of it is flipped")
    func flipped() async throws {
        let object = try await TestVault().site.bytes(Keyring.name(1))
        // All that has a meaning of its own, and samples of the keys and signatures.
        let places =
            Array(0..<60) + Array(2044..<2300) + Array(stride(from: 61, to: object.count, by: 41))
        for place in places {
            var changed = object
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(throws: Malformed.self, "byte \(place)") { try Keyring(decoding: changed) }
        }
    }

    @Test("is refused cut off or with more behind it")
    func length() async throws {
        let object = try await TestVault().site.bytes(Keyring.name(1))
        for count in Array(0..<60) + Array(stride(from: 60, to: object.count, by: 101)) {
            #expect(throws: Malformed.self) { try Keyring(decoding: Array(object[..<count])) }
        }
        #expect(throws: Malformed.self) { try Keyring(decoding: object + [0]) }
    }

    @Test("follows the one before, and a hole or an exchange is noticed")
    func chain() async throws {
        let test = try await TestVault()
        let (second, _) = try await test.vault.adding(
            writerNamed: "mill", with: test.unlocked, companions: [], world: test.world)
        #expect(second.keyring.number == 2)
        #expect(second.keyring.previous == test.vault.keyringHash)
        #expect(second.keyring.writers.map(\.name) == ["hall", "mill"])
        let whole = test.site.copy()

        test.site.dropKeyring(1)
        let hole = try await trouble { _ = try await Vault(at: test.site, remembering: nil) }
        #expect(hole?.kind == .missing)

        let swapped = whole.copy()
        try await swapped.putKeyring(2, whole.bytes(Keyring.name(1)))
        let exchange = try await trouble { _ = try await Vault(at: swapped, remembering: nil) }
        #expect(exchange?.kind == .damaged)
    }

    @Test("is there twice: one copy may be damaged or lost, and is named")
    func copies() async throws {
        let test = try await TestVault()
        for folder in Keyring.folders {
            let name = Keyring.name(1, in: folder)
            let lost = test.site.copy()
            lost.drop(name)
            let vault = try await Vault(at: lost, remembering: nil)
            #expect(vault.troubles.map(\.kind) == [.missing])
            try await vault.completeCopies()
            #expect(try await Vault(at: lost, remembering: nil).troubles.isEmpty)

            let damaged = try await TestVault(test, at: test.site.copy())
            damaged.site.flip(name, bit: 8 * 3000)
            let found = try await TestVault(test, at: damaged.site).findings()
            #expect(found.map(\.kind) == [.damaged])
            #expect(found.first?.message.english.contains(name.text) == true)
        }
        test.site.dropKeyring(1)
        let refused = try await trouble { _ = try await Vault(at: test.site, remembering: nil) }
        #expect(refused?.kind == .missing)
    }

    @Test("with an impossible number in its name makes no vault")
    func impossibleNumbers() async throws {
        for name in ["00000000", "99999999", "4294967295", "x"] {
            let site = MemorySite()
            try await site.replace(try #require(ObjectName("keyring/\(name)")), by: [1])
            let refused = try await trouble { _ = try await Vault(at: site, remembering: nil) }
            #expect(refused?.kind == .missing, "\(name)")
        }
    }

    @Test("keeps its companions, and brings new ones in")
    func companions() async throws {
        let test = try await TestVault()
        let (vault, _) = try await test.vault.adding(
            writerNamed: "mill", with: test.unlocked,
            companions: [("README.txt", [1]), ("program/x", [2])], world: test.world)
        let unlocked = try vault.unlock(passphrase: TestVault.passphrase)
        let (next, _) = try await vault.adding(
            writerNamed: "pond", with: unlocked, companions: [("README.txt", [3])],
            world: test.world)
        let names = next.keyring.companions.map(\.name).sorted()
        #expect(names == ["README.txt", "program/x"])
        #expect(
            next.keyring.companions.first { $0.name == "README.txt" }?.digest
                == Sealing.hash([3] as [UInt8]))
        let both = try next.unlock(passphrase: TestVault.passphrase)
        #expect(try await OpenVault(next, both).observed.troubles.isEmpty)
    }

    @Test("has one successor: of two who change it at once, one is refused")
    func race() async throws {
        let test = try await TestVault()
        _ = try await test.vault.adding(
            writerNamed: "one", with: test.unlocked, companions: [], world: test.world)
        let refused = try await trouble {
            _ = try await test.vault.adding(
                writerNamed: "two", with: test.unlocked, companions: [], world: test.world)
        }
        #expect(refused?.kind == .exists)
        let vault = try await Vault(at: test.site, remembering: nil)
        #expect(vault.keyring.writers.map(\.name) == ["hall", "one"])
    }

    @Test("A leaked key cannot be revoked without re-encrypting all: a new epoch shuts the old key out of what comes, and touches nothing")
    func rotation() async throws {
        var test = try await TestVault()
        let first = try await test.protect([noise(100_000, seed: 1)])
        let (before, thief) = (try await test.site.packNames(), test.unlocked)
        let new = Array("another passphrase".utf8)
        test.vault = try await test.vault.rotating(to: new, with: test.unlocked, world: test.world, roundsExponent: 10)
        #expect(try await test.site.packNames() == before)
        #expect(throws: Trouble.self) { try test.vault.unlock(passphrase: TestVault.passphrase) }
        test.unlocked = try test.vault.unlock(passphrase: new)
        // The writer goes on with the keys it has, and uploads nothing again.
        let cache = try await test.writer.knowledge(cache: first.cache, memory: Memory(of: test.vault)).cache
        _ = try await test.protect([noise(100_000, seed: 1), noise(100_000, seed: 2)], on: cache)
        let added = Set(try await test.site.packNames()).subtracting(before)
        #expect(added.count == 2)
        #expect(try await test.contents() == [noise(100_000, seed: 1), noise(100_000, seed: 2)])
        #expect(try await test.findings().isEmpty)
        // What the old passphrase opened opens what was there, and nothing of what came.
        let old = try thief.strongbox.reader(of: 1)
        for name in try await test.site.packNames() {
            let bytes = try await test.site.bytes(name)
            let front = try PackFront(name: Sealing.hash(bytes), decoding: bytes)
            if added.contains(name) {
                #expect(throws: Trouble.self) { try front.contentKey(old, at: "test") }
                #expect(front.header.epoch == 2)
            } else { #expect(throws: Never.self) { try front.contentKey(old, at: "test") } }
        }
        #expect(throws: (any Error).self) { try thief.strongbox.reader(of: 2) }
    }
}

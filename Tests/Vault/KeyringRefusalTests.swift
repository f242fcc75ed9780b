// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A keyring that root signed but that is not to be followed")
struct KeyringRefusalTests {
    private func kind(
        _ test: TestVault, _ change: (inout KeyringParts) throws -> Void
    ) async throws -> Trouble.Kind? {
        var parts = try await test.keyringParts()
        try change(&parts)
        let object = try parts.signed(by: test.unlocked.strongbox.root)
        try await test.site.putKeyring(1, object)
        return try await trouble { _ = try await Vault(at: test.site, remembering: nil) }?.kind
    }

    @Test("is none of these where nothing was changed")
    func unchanged() async throws {
        #expect(try await kind(TestVault()) { _ in } == nil)
    }

    @Test("An encryption setting is never ignored: a newer version is named as such")
    func newer() async throws {
        #expect(try await kind(TestVault()) { $0.front[5] = 2 } == .newerFormat)
    }

    @Test("An encryption setting is never ignored: an unknown critical extension")
    func criticalExtension() async throws {
        let kind = try await kind(TestVault()) {
            $0.body.removeLast()
            $0.body += [1, 7, 1, 2, 0xab, 0xcd]
        }
        #expect(kind == .newerFormat)
    }

    @Test("passes over an extension that is not critical")
    func extensions() async throws {
        let test = try await TestVault()
        let kind = try await kind(test) {
            $0.body.removeLast()
            $0.body += [2, 7, 0, 2, 0xab, 0xcd, 8, 0, 0]
        }
        #expect(kind == nil)
        let vault = try await Vault(at: test.site, remembering: nil)
        #expect(vault.keyring.writers.count == 1)
        _ = try vault.unlock(passphrase: TestVault.passphrase)
    }

    @Test("An encryption setting is never ignored: an unknown way to the access key")
    func unknownWay() async throws {
        let kind = try await kind(TestVault()) { parts in
            let start = try parts.waysStart()
            #expect(parts.body[start] == 1 && parts.body[start + 1] == 1)
            parts.body[start + 1] = 2
        }
        #expect(kind == .damaged)
    }

    @Test(
        "is refused where it asks for too much of scrypt, or for too little",
        arguments: [
            (9, 8, 1), (23, 8, 1), (63, 8, 1), (64, 1, 1), (255, 8, 1), (22, 4, 1), (17, 0, 1),
            (17, 33, 1), (17, UInt32.max, 1), (17, 8, 0), (17, 8, 17), (17, 8, UInt32.max),
        ] as [(UInt8, UInt32, UInt32)])
    func scrypt(rounds: UInt8, blockSize: UInt32, parallelism: UInt32) async throws {
        let kind = try await kind(TestVault()) { parts in
            // Behind the count, the kind and the length of the one way.
            let start = try parts.waysStart() + 3
            var writer = ByteWriter()
            writer.u8(rounds)
            writer.u32(blockSize)
            writer.u32(parallelism)
            parts.body.replaceSubrange(start..<start + 9, with: writer.bytes)
        }
        #expect(kind == .damaged)
    }

    @Test("is refused with another number than its name has")
    func number() async throws {
        #expect(try await kind(TestVault()) { $0.number = 2 } == .damaged)
    }

    @Test("is refused as the first where it names one before")
    func previous() async throws {
        let kind = try await kind(TestVault()) { $0.setPrevious(Sealing.hash([1] as [UInt8])) }
        #expect(kind == .damaged)
    }

    @Test("is refused with bytes left over in its body")
    func leftOver() async throws {
        #expect(try await kind(TestVault()) { $0.body.append(0) } == .damaged)
    }

    @Test("signed by another root is refused by memory and by the passphrase")
    func forged() async throws {
        let test = try await TestVault()
        let memory = Memory(of: test.vault)
        let other = try await TestVault(seed: 2)
        var parts = try await test.keyringParts()
        parts.setRoot(try other.unlocked.strongbox.root)
        let forged = try parts.signed(by: other.unlocked.strongbox.root)
        try await test.site.putKeyring(1, forged)

        let byMemory = try await trouble {
            _ = try await Vault(at: test.site, remembering: memory)
        }
        #expect(byMemory?.kind == .wrongKey)
        // Who remembers nothing is told by the passphrase, which does not open it.
        let vault = try await Vault(at: test.site, remembering: nil)
        let byPassphrase = try await trouble {
            _ = try vault.unlock(passphrase: TestVault.passphrase)
        }
        #expect(byPassphrase?.kind == .wrongKey)
        let byWriter = try await trouble {
            _ = try VaultWriter(vault, keys: test.keys, world: test.world)
        }
        #expect(byWriter?.kind == .wrongKey)
    }

    @Test("is stale where this machine has seen a newer one, or another with its number")
    func stale() async throws {
        let test = try await TestVault()
        let past = test.site.copy()
        let (newer, _) = try await test.vault.adding(
            writerNamed: "mill", with: test.unlocked, companions: [], world: test.world)
        var memory = Memory(of: test.vault)
        memory.note(newer)
        #expect(
            try await trouble { _ = try await Vault(at: test.site, remembering: memory) } == nil)
        let refused = try await trouble { _ = try await Vault(at: past, remembering: memory) }
        #expect(refused?.kind == .stale)

        let fork = past.copy()
        _ = try await Vault(at: fork, remembering: nil).adding(
            writerNamed: "fork", with: test.unlocked, companions: [], world: test.world)
        let forked = try await trouble { _ = try await Vault(at: fork, remembering: memory) }
        #expect(forked?.kind == .stale)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

/// A vault with one invitation, and machines that try to take it up.
struct InvitedVault {
    let test: TestVault
    let token: Token
    let invitation: Invitation
    var site: MemorySite { test.site }
    var vault: Vault { test.vault }

    init(seed: UInt64 = 1) async throws {
        var test = try await TestVault(seed: seed)
        token = Token(for: test.unlocked.keyring.root.fingerprint, from: test.world)
        (test.vault, invitation) = try await test.vault.inviting(
            writerNamed: "mill", by: token, for: 3600, with: test.unlocked, companions: [],
            world: test.world)
        self.test = test
    }

    /// The same vault at another site.
    func vault(at site: MemorySite) async throws -> Vault {
        try await Vault(at: site, remembering: nil)
    }

    var inTime: Moment { invitation.made }
    var late: Moment { Moment(seconds: invitation.expires.seconds + 1) }

    func machine(_ seed: UInt64) -> Claimant {
        Claimant(id: Identifier(from: .seeded(seed)), host: "host-\(seed)")
    }

    /// Everything that `agent enrol` does, but what it keeps on its disk.
    func enrol(_ machine: Claimant, at site: MemorySite? = nil) async throws -> WriterKeys {
        let vault = try await vault(at: site ?? self.site)
        let open = try await vault.opening(token, as: machine.id, now: inTime)
        let keys = try await vault.claim(open, as: machine, now: inTime)
        try await vault.removing(open.invitation.name)
        return keys
    }

    var objects: [ObjectName] {
        [Invitation.name(invitation.name), Claim.name(invitation.name)]
    }

    /// A site on which both objects are: claimed, but not yet removed.
    func claimed() async throws -> MemorySite {
        let site = site.copy()
        let vault = try await vault(at: site)
        let open = try await vault.opening(token, as: nil, now: inTime)
        _ = try await vault.claim(open, as: machine(7), now: inTime)
        return site
    }
}

@Suite("An invitation")
struct InvitationTests {
    @Test("makes a writer of the machine that brings the token, and the passphrase reads what it adds")
    func whole() async throws {
        let invited = try await InvitedVault()
        #expect(invited.vault.keyring.number == 2)
        let keys = try await invited.enrol(invited.machine(1))
        #expect(keys.writer == invited.vault.keyring.writers[1].id)
        #expect(keys.vault == invited.test.keys.vault && keys.root == invited.test.keys.root)
        #expect(keys.observerSeed == invited.test.keys.observerSeed)

        let writer = try VaultWriter(invited.vault, keys: keys, world: invited.test.world)
        let cache = WriterCache(for: writer.domain)
        let run = try await WriterRun(
            writer, cache: cache, draft: invited.test.draft("far"), level: 3)
        let content = prose(5000)
        let roots = try await TestVault.store([content], in: run)
        _ = try await TestVault.commit(run, roots, on: cache)
        let unlocked = try invited.vault.unlock(passphrase: TestVault.passphrase)
        let open = try await OpenVault(invited.vault, unlocked)
        #expect(open.observed.snapshots.map(\.writer.name) == ["mill"])
        #expect(open.observed.troubles.isEmpty)
        var options = VerifyOptions()
        options.readsData = true
        #expect(try await open.verify(options) { _ in }.findings.map(\.description) == [])
    }

    @Test("works once: the second is told who took it up, when, and what to do")
    func once() async throws {
        let invited = try await InvitedVault()
        _ = try await invited.enrol(invited.machine(1))
        #expect(try await invited.site.list(Invitation.folder).isEmpty)
        for machine in [nil, invited.machine(2).id, invited.machine(1).id] {
            let refused = try await trouble {
                _ = try await invited.vault.opening(invited.token, as: machine, now: invited.inTime)
            }
            #expect(refused?.kind == .exists)
            let message = refused?.message.english ?? ""
            #expect(message.contains("host-1") && message.contains("mill") && message.contains("20"))
            #expect(refused?.advice?.english.contains("keys retire mill") == true)
        }
    }

    @Test("is won by one of two machines that take it up at the same moment")
    func race() async throws {
        let invited = try await InvitedVault()
        // Both have opened it before either claims.
        let one = try await invited.vault.opening(invited.token, as: nil, now: invited.inTime)
        let other = try await invited.vault.opening(invited.token, as: nil, now: invited.inTime)
        let winners = await withTaskGroup(of: Bool.self) { group in
            for (open, seed) in [(one, UInt64(1)), (other, 2)] {
                group.addTask {
                    do {
                        _ = try await invited.vault.claim(
                            open, as: invited.machine(seed), now: invited.inTime)
                        return true
                    } catch { return false }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(winners == 1)
        let entry = try #require(try await Invitations(of: invited.vault).all.first)
        let refused = try await trouble {
            _ = try await invited.vault.opening(invited.token, as: nil, now: invited.inTime)
        }
        #expect(refused?.message.english.contains(try #require(entry.claim).host) == true)
    }

    @Test("is not lost whichever request fails or whenever the machine dies: the next try ends well")
    func everyRequest() async throws {
        let invited = try await InvitedVault()
        let machine = invited.machine(1)
        let undisturbed = invited.site.copy()
        _ = try await invited.enrol(machine, at: undisturbed)
        let requests = undisturbed.counts.requests
        #expect(requests > 6)
        for isDone in [false, true] {
            for n in 1...requests {
                let site = invited.site.copy()
                site.fail(
                    .init(n, Trouble(.system, Words("Dead.", de: "Tot.")), isDone: isDone))
                // What needs no answer, such as a second copy of a keyring, fails nothing.
                let failed = try await trouble { _ = try await invited.enrol(machine, at: site) }
                let left = site.copy()
                let isRemoved = try await left.list(Invitation.folder).isEmpty
                let isClaimed = try await !left.list(Claim.folder).isEmpty
                #expect(failed != nil || isRemoved && isClaimed)
                // Nobody else gets it once it is claimed.
                let other = try await trouble {
                    _ = try await invited.enrol(invited.machine(2), at: left.copy())
                }
                #expect(other?.kind == (isClaimed ? .exists : nil), "request \(n)")
                // The machine keeps nothing but its claimant. Where even the removal was done, the
                // keys had been kept before.
                let again = try await trouble { _ = try await invited.enrol(machine, at: left) }
                #expect(again == nil || isRemoved, "request \(n): \(String(describing: again))")
            }
        }
    }

    @Test("is refused after its time, unless it was claimed in time")
    func expired() async throws {
        let invited = try await InvitedVault()
        let refused = try await trouble {
            _ = try await invited.vault.opening(invited.token, as: nil, now: invited.late)
        }
        #expect(refused?.kind == .wrongKey)
        #expect(refused?.message.english.contains("valid until") == true)
        let entry = try #require(try await Invitations(of: invited.vault).all.first)
        #expect(entry.state(at: invited.inTime) == .open)
        #expect(entry.state(at: invited.late) == .expired)

        let vault = try await invited.vault(at: invited.claimed())
        _ = try await vault.opening(invited.token, as: invited.machine(7).id, now: invited.late)
    }

    @Test("goes with its writer, and a retired one is refused even where the site kept it")
    func retired() async throws {
        let invited = try await InvitedVault()
        let kept = try await invited.site.bytes(invited.objects[0])
        let unlocked = try invited.vault.unlock(passphrase: TestVault.passphrase)
        let changed = try await invited.vault.retiring(
            invited.invitation.writer, with: unlocked, remembering: nil, world: invited.test.world)
        try await changed.removingInvitations(of: invited.invitation.writer)
        #expect(try await invited.site.list(Invitation.folder).isEmpty)
        let gone = try await trouble {
            _ = try await changed.opening(invited.token, as: nil, now: invited.inTime)
        }
        #expect(gone?.kind == .missing)
        try await invited.site.replace(invited.objects[0], by: kept)
        let refused = try await trouble {
            _ = try await changed.opening(invited.token, as: nil, now: invited.inTime)
        }
        #expect(refused?.kind == .wrongKey)
        #expect(
            try await Invitations(of: changed).all.map { $0.state(at: invited.inTime) }
                == [.retired])
    }

    @Test("takes no name that an active writer has")
    func takenName() async throws {
        let invited = try await InvitedVault()
        let unlocked = try invited.vault.unlock(passphrase: TestVault.passphrase)
        for name in ["hall", "mill"] {
            let refused = try await trouble {
                _ = try await invited.vault.inviting(
                    writerNamed: name, by: invited.token, for: 60, with: unlocked, companions: [],
                    world: invited.test.world)
            }
            #expect(refused?.kind == .exists)
        }
        #expect(try await invited.vault(at: invited.site).keyring.number == 2)
    }
}

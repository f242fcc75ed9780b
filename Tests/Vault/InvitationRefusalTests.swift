// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("An invitation that is not what it was")
struct InvitationRefusalTests {
    @Test("opens with no other token, and a token fits no other vault")
    func otherTokens() async throws {
        let invited = try await InvitedVault()
        let root = invited.vault.keyring.root.fingerprint
        let wrong = Token(for: root, from: .seeded(77))
        let refused = try await trouble {
            _ = try await invited.vault.opening(wrong, as: nil, now: invited.inTime)
        }
        #expect(refused?.kind == .missing)

        let other = try await InvitedVault(seed: 2)
        let foreign = try await trouble {
            _ = try await invited.vault.opening(other.token, as: nil, now: invited.inTime)
        }
        #expect(foreign?.kind == .wrongKey)
        #expect(foreign?.message.english.contains("another vault") == true)

        // Under the name that a token asks for, its own bytes or none.
        let site = invited.site.copy()
        let name = wrong.name(vault: invited.vault.keyring.vault, root: root)
        let bytes = try await site.bytes(invited.objects[0])
        try await site.replace(Invitation.name(name), by: bytes)
        let vault = try await invited.vault(at: site)
        let moved = try await trouble {
            _ = try await vault.opening(wrong, as: nil, now: invited.inTime)
        }
        #expect(moved?.kind == .damaged)
    }

    @Test("cannot be forged by a vault with another root, even for one who knows the token's vault")
    func forgedVault() async throws {
        let invited = try await InvitedVault()
        let forgery = try await TestVault(seed: 3)
        // Same token as the person will type, a root of the forger's.
        let refused = try await trouble {
            _ = try await forgery.vault.opening(invited.token, as: nil, now: invited.inTime)
        }
        #expect(refused?.kind == .wrongKey)
    }

    @Test("is named by enrolment, by the list and by verify wherever a bit of it is flipped")
    func flipped() async throws {
        let invited = try await InvitedVault()
        let whole = try await invited.claimed()
        for object in invited.objects {
            let count = try await whole.bytes(object).count
            let places = Array(0..<min(count, 240)) + Array(stride(from: 240, to: count, by: 97))
            for place in places {
                let site = whole.copy()
                site.flip(object, bit: 8 * place + place % 8)
                let vault = try await invited.vault(at: site)
                let troubles = try await Invitations(of: vault).troubles
                // A name that no longer fits shows too, and a higher version is named as such.
                #expect(troubles.count == 1, "\(object) byte \(place)")
                #expect(troubles.first?.message.english.contains(object.text) == true)
                let refused = try await trouble {
                    _ = try await vault.opening(
                        invited.token, as: invited.machine(7).id, now: invited.inTime)
                }
                #expect([.damaged, .newerFormat].contains(refused?.kind), "\(object) byte \(place)")
            }
        }
    }

    @Test("is named cut off or with more behind it, by verify too")
    func length() async throws {
        let invited = try await InvitedVault()
        let whole = try await invited.claimed()
        for object in invited.objects {
            let bytes = try await whole.bytes(object)
            let counts = [0, 5, 56, 100] + Array(stride(from: 1, to: bytes.count, by: 211))
            for changed in counts.map({ Array(bytes.prefix($0)) }) + [
                bytes + [0], [UInt8](repeating: 0, count: 70_000),
            ] {
                let site = whole.copy()
                try await site.replace(object, by: changed)
                let findings = try await TestVault(invited.test, at: site).observed()
                    .verify(VerifyOptions()) { _ in }.findings
                let isNamed = findings.count == 1
                    && findings[0].message.english.contains(object.text)
                #expect(isNamed, "\(object) \(changed.count): \(findings)")
            }
        }
    }

    @Test("is whole for verify as long as nobody touches it, and strangers beside it are passed over")
    func whole() async throws {
        let invited = try await InvitedVault()
        let site = try await invited.claimed()
        for name in ["invitations/readme", "claims/0", "invitations/" + "AB" + String(repeating: "0", count: 30)] {
            try await site.replace(try #require(ObjectName(name)), by: [1])
        }
        let findings = try await TestVault(invited.test, at: site).observed()
            .verify(VerifyOptions()) { _ in }.findings
        #expect(findings.isEmpty, "\(findings)")
        let all = try await Invitations(of: invited.vault(at: site)).all
        #expect(all.map { $0.state(at: invited.late) } == [.claimed])
    }

    @Test("cannot be claimed by a claim of another invitation, or by one that nobody can read")
    func borrowedClaim() async throws {
        let invited = try await InvitedVault()
        let site = invited.site.copy()
        let other = try await InvitedVault(seed: 2)
        let foreign = try await other.claimed().bytes(other.objects[1])
        for bytes in [foreign, [], [1, 2, 3]] {
            try await site.replace(invited.objects[1], by: bytes)
            let vault = try await invited.vault(at: site)
            let refused = try await trouble {
                _ = try await vault.opening(invited.token, as: nil, now: invited.inTime)
            }
            #expect(refused?.kind == .damaged)
            #expect(refused?.message.english.contains(invited.objects[1].text) == true)
            // Not open either, in the eyes of those who look.
            #expect(
                try await Invitations(of: vault).all.map { $0.state(at: invited.inTime) }
                    == [.claimed])
        }
    }

    @Test("gives its token, its keys and its seeds to nobody who has only the vault")
    func canary() async throws {
        let invited = try await InvitedVault()
        let site = try await invited.claimed()
        let keys = try await invited.enrol(invited.machine(7), at: site.copy())
        let text = Array(invited.token.text.utf8)
        let secrets: [[UInt8]] = [
            text, text.filter { $0 != UInt8(ascii: "-") }, keys.signingSeed, keys.domainSecret,
            keys.observerSeed,
        ]
        for entry in try await site.list("") {
            let bytes = try await site.bytes(entry.name)
            for secret in secrets {
                #expect(!bytes.contains(secret), "\(entry.name)")
            }
        }
        // The search finds what is there.
        let object = try await site.bytes(invited.objects[0])
        #expect(object.contains(keys.writer.bytes))
    }
}

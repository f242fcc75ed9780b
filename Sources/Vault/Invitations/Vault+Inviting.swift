// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

// How a machine becomes a writer without the passphrase: somebody who has it leaves the keys in
// the vault, sealed under a token; the machine takes them up, once.
extension Vault {
    /// Adds a writer that no machine is yet, and leaves its keys for whoever brings the token.
    ///
    /// First the keyring, then the invitation: one that nobody finds costs a retirement, one
    /// without a writer would be no use to anybody.
    package func inviting(
        writerNamed name: String, by token: Token, for seconds: Int64,
        with unlocked: UnlockedKeyring, companions: [(name: String, bytes: [UInt8])], world: World
    ) async throws(Trouble) -> (Vault, Invitation) {
        // The name is how people will speak of it, and retire it.
        if let other = keyring.writers.first(where: { $0.name == name }),
            case .active = other.state
        {
            throw .takenName(name)
        }
        let (changed, keys) = try await adding(
            writerNamed: name, with: unlocked, companions: companions, world: world)
        let now = world.now()
        let expires = Moment(seconds: now.seconds + seconds, nanoseconds: now.nanoseconds)
        let invitation: Invitation
        do {
            let object = try Invitation.seal(
                keys, under: token, made: now, expires: expires, by: unlocked.strongbox.root)
            invitation = try Invitation(decoding: object, of: changed.keyring)
            try await site.put(
                Invitation.name(invitation.name), object[...], existing: .refuse)
            await site.settle()
        } catch let error as Trouble {
            throw .halfInvited(name, error)
        } catch { throw .impossible("to seal the invitation") }
        return (changed, invitation)
    }

    /// Finds and opens the invitation of a token, unless another machine has taken it up.
    ///
    /// - Parameter claimant: what this machine kept of an earlier attempt, so that it goes on
    ///   where it was interrupted.
    /// - Throws: `.wrongKey` for a token of another vault, for one that has expired, and where the
    ///   writer was retired; `.missing` where there is no such invitation; `.exists` where it was
    ///   taken up.
    package func opening(
        _ token: Token, as claimant: Identifier?, now: Moment
    ) async throws(Trouble) -> OpenInvitation {
        let root = keyring.root.fingerprint
        guard token.isFor(root) else { throw .foreignToken(site.label) }
        let name = token.name(vault: keyring.vault, root: root)
        // The claim first: it stays, while the invitation goes when it has been used.
        let claim = try await orNone { () throws(Trouble) in try await self.claim(name) }
        if let claim, claim.claimant != claimant { throw .claimed(claim, self) }
        guard
            let invitation = try await orNone({ () throws(Trouble) in
                try await self.invitation(name)
            })
        else {
            if let claim { throw .claimed(claim, self) }
            throw .noInvitation(site.label)
        }
        let keys: WriterKeys
        do { keys = try invitation.keys(with: token, of: keyring) } catch {
            throw .damaged(
                Invitation.name(name).text, at: site.label,
                Words("the token does not open it", de: "das Token öffnet sie nicht"))
        }
        guard let writer = keyring.writer(invitation.writer) else { throw .noInvitation(site.label) }
        guard case .active = writer.state else { throw .retiredInvitation(writer) }
        // Who has claimed in time may come to an end later.
        if claim == nil, invitation.expires < now { throw .expired(invitation) }
        return OpenInvitation(
            invitation: invitation, writer: writer, isClaimed: claim != nil, keys: keys)
    }

    /// Takes up an invitation: of all who try, on whatever machines, one gets the keys.
    ///
    /// - Parameter claimant: must have been kept durably before. A machine that is interrupted
    ///   between this and keeping the keys tries again, and is known by it: the invitation is
    ///   still there, since only `removing` takes it away.
    package func claim(
        _ open: OpenInvitation, as claimant: Claimant, now: Moment
    ) async throws(Trouble) -> WriterKeys {
        if open.isClaimed { return open.keys }
        let name = open.invitation.name
        do {
            let object = try Claim.sign(name, with: open.keys, by: claimant, at: now)
            try await site.put(Claim.name(name), object[...], existing: .refuse)
            await site.settle()
        } catch let error as Trouble {
            guard error.kind == .exists else { throw error }
            // A put may have taken effect though its answer was lost.
            let winner = try await claim(name)
            guard winner.claimant == claimant.id else { throw .claimed(winner, self) }
        } catch { throw .impossible("to sign the claim") }
        return open.keys
    }

    /// Takes an invitation away, after use or because it shall not be used. Copies of the vault
    /// may still hold it.
    package func removing(_ invitation: Identifier) async throws(Trouble) {
        try await site.remove(Invitation.name(invitation))
    }

    /// Takes away what was left for a writer that has been retired.
    package func removingInvitations(of writer: Identifier) async throws(Trouble) {
        for entry in try await Invitations(of: self).all
        where entry.writer.id == writer && entry.invitation != nil {
            try await removing(entry.name)
        }
    }

    private func orNone<Value>(
        _ read: () async throws(Trouble) -> Value
    ) async throws(Trouble) -> Value? {
        do throws(Trouble) { return try await read() } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }
}

/// An invitation that its token has opened. It gives out its keys to one who claims it.
package struct OpenInvitation: Sendable {
    package let invitation: Invitation
    package let writer: Writer
    /// By this machine, in an earlier attempt that was interrupted.
    package let isClaimed: Bool
    let keys: WriterKeys
}

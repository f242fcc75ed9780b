// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// All invitations of a vault, and what has become of them. Needs no key.
package struct Invitations: Sendable {
    package enum State: String, Sendable {
        case open, claimed, expired
        /// Its writer may add nothing more, whoever it has become.
        case retired
    }

    package struct Entry: Sendable {
        package let name: Identifier
        package let writer: Writer
        /// nil where it has been removed, as after use.
        package internal(set) var invitation: Invitation?
        package internal(set) var claim: Claim?
        /// Also by a claim that cannot be read.
        var isClaimed = false

        package func state(at now: Moment) -> State {
            if case .retired = writer.state { return .retired }
            if isClaimed { return .claimed }
            if let invitation, invitation.expires < now { return .expired }
            return .open
        }
    }

    /// In the order in which their writers were added.
    package let all: [Entry]
    /// Invitations and claims that are damaged, each named.
    package let troubles: [Trouble]

    package init(of vault: Vault) async throws(Trouble) {
        var entries: [Identifier: Entry] = [:]
        var troubles: [Trouble] = []
        for name in try await vault.names(Invitation.folder) {
            do throws(Trouble) {
                let invitation = try await vault.invitation(name)
                guard let writer = vault.keyring.writer(invitation.writer) else { continue }
                entries[name] = Entry(name: name, writer: writer, invitation: invitation)
            } catch { troubles.append(error) }
        }
        for name in try await vault.names(Claim.folder) {
            entries[name]?.isClaimed = true
            do throws(Trouble) {
                let claim = try await vault.claim(name)
                guard let writer = vault.keyring.writer(claim.writer) else { continue }
                var entry = entries[name] ?? Entry(name: name, writer: writer)
                guard entry.writer.id == writer.id else {
                    throw .misplaced(Claim.name(name), at: vault.site.label)
                }
                (entry.claim, entry.isClaimed) = (claim, true)
                entries[name] = entry
            } catch { troubles.append(error) }
        }
        all = entries.values.sorted { ($0.writer.added, $0.name) < ($1.writer.added, $1.name) }
        self.troubles = troubles
    }
}

extension Vault {
    /// Names of another shape are no objects of a vault.
    fileprivate func names(_ folder: String) async throws(Trouble) -> [Identifier] {
        try await site.list(folder).compactMap { entry in
            let text = entry.name.text.dropFirst(folder.count)
            guard let name = [UInt8](hex: text).flatMap({ Identifier($0) }),
                name.description == text
            else { return nil }
            return name
        }
    }

    /// - Throws: `.missing` where there is none.
    func invitation(_ name: Identifier) async throws(Trouble) -> Invitation {
        let object = Invitation.name(name)
        let bytes = try await self.object(object, upTo: Limits.invitationBytesMax)
        let invitation: Invitation
        do { invitation = try Invitation(decoding: bytes, of: keyring) } catch {
            throw .malformed(object.text, at: site.label, error)
        }
        guard invitation.name == name else { throw .misplaced(object, at: site.label) }
        return invitation
    }

    /// - Throws: `.missing` where there is none.
    func claim(_ name: Identifier) async throws(Trouble) -> Claim {
        let object = Claim.name(name)
        let bytes = try await self.object(object, upTo: Limits.invitationBytesMax)
        let claim: Claim
        do { claim = try Claim(decoding: bytes, of: keyring) } catch {
            throw .malformed(object.text, at: site.label, error)
        }
        guard claim.name == name else { throw .misplaced(object, at: site.label) }
        return claim
    }
}

extension Trouble {
    fileprivate static func misplaced(_ object: ObjectName, at site: String) -> Trouble {
        .damaged(
            object.text, at: site,
            Words("it belongs to another invitation", de: "es gehört zu einer anderen Einladung"))
    }
}

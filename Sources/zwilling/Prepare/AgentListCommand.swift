// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct AgentListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: say(
            "List invitations: which are open, who took them up.",
            de: "Einladungen auflisten: welche offen sind, wer sie eingelöst hat."),
        discussion: say(
            """
            Needs no key. An invitation that shall not be used goes with its writer: "zwilling keys
            retire NAME".
              zwilling agent list
              zwilling agent list --vault /mnt/backup/vault --json
            """,
            de: """
                Braucht keinen Schlüssel. Eine Einladung, die nicht gelten soll, verschwindet mit
                ihrem Schreiber: „zwilling keys retire NAME“.
                  zwilling agent list
                  zwilling agent list --vault /mnt/backup/tresor --json
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let invitations = try await Invitations(of: known.vault)
        let list = InvitationList(invitations: invitations, now: World.real.now())
        try output.json ? showJSON(list.fields) : show(list.lines)
        tellFindings(invitations.troubles)
        if !invitations.troubles.isEmpty { throw ExitCode(1) }
    }
}

/// What has become of the invitations of a vault.
struct InvitationList {
    let invitations: Invitations
    let now: Moment

    var lines: [String] {
        guard !invitations.all.isEmpty else {
            return [
                say(
                    "No invitations. \"zwilling agent invite NAME\" makes one.",
                    de: "Keine Einladungen. „zwilling agent invite NAME“ macht eine.")
            ]
        }
        let heading = [
            say("STATE", de: "ZUSTAND"), say("WRITER", de: "SCHREIBER"), "ID",
            say("UNTIL", de: "BIS"), say("TAKEN UP", de: "EINGELÖST"), say("BY HOST", de: "VON"),
        ]
        let rows = invitations.all.map { entry in
            [
                word(entry.state(at: now)), plain(entry.writer.name), short(entry.writer.id),
                entry.invitation.map { localTime($0.expires) } ?? "-",
                entry.claim.map { localTime($0.made) } ?? "-",
                entry.claim.map { plain($0.host) } ?? "-",
            ]
        }
        return table([heading] + rows, rightAligned: [])
    }

    private func word(_ state: Invitations.State) -> String {
        switch state {
        case .open: say("open", de: "offen")
        case .claimed: say("taken up", de: "eingelöst")
        case .expired: say("expired", de: "abgelaufen")
        case .retired: say("retired", de: "stillgelegt")
        }
    }

    struct Fields: Encodable {
        struct InvitationFields: Encodable {
            let state, name, writer: String
            let made, expires: String?
            /// Whether it still lies in the vault.
            let isThere: Bool
            let claimedAt, claimedBy: String?
        }
        let invitations: [InvitationFields]
        let findings: [FindingFields]
    }

    var fields: Fields {
        Fields(
            invitations: invitations.all.map { entry in
                Fields.InvitationFields(
                    state: entry.state(at: now).rawValue, name: entry.writer.name,
                    writer: entry.writer.id.description,
                    made: entry.invitation.map { isoTime($0.made) },
                    expires: entry.invitation.map { isoTime($0.expires) },
                    isThere: entry.invitation != nil,
                    claimedAt: entry.claim.map { isoTime($0.made) },
                    claimedBy: entry.claim?.host)
            }, findings: invitations.troubles.map(FindingFields.init))
    }
}

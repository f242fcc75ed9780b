// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground

/// The command line: it parses, calls one operation of the rooms beneath, and prints.
@main
struct Zwilling: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zwilling",
        abstract: say(
            "Keeps a sealed twin of your data and gives every byte of it back.",
            de: "Hält einen versiegelten Zwilling Ihrer Daten und gibt jedes Byte zurück."),
        discussion: say(
            """
            The first time:
              zwilling vault create /mnt/backup/vault
              zwilling protect /home /etc
              zwilling verify
            When it matters:
              zwilling restore latest --to /srv/restored

            Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but something was left out.
            """,
            de: """
                Beim ersten Mal:
                  zwilling vault create /mnt/backup/tresor
                  zwilling protect /home /etc
                  zwilling verify
                Wenn es darauf ankommt:
                  zwilling restore latest --to /srv/zurück

                Rückgabewerte: 0 erledigt, 1 misslungen, 2 falscher Aufruf, 3 erledigt, aber etwas
                wurde ausgelassen.
                """),
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: say("Prepare", de: "Vorbereiten"),
                subcommands: [
                    InitCommand.self, CheckCommand.self, LeikaCommand.self, VaultCommand.self,
                    KeysCommand.self, SitesCommand.self, AgentCommand.self,
                ]),
            CommandGroup(
                name: say("Protect", de: "Sichern"), subcommands: [ProtectCommand.self, PruneCommand.self, GuardCommand.self, LeaseCommand.self]),
            CommandGroup(
                name: say("Check", de: "Prüfen"),
                subcommands: [
                    StatusCommand.self, MomentsCommand.self, DrillCommand.self, DrillsCommand.self, SnapshotsCommand.self, ListCommand.self, FindCommand.self, DiffCommand.self,
                    CompareCommand.self, VerifyCommand.self, PolicyCommand.self,
                ]),
            CommandGroup(
                name: say("In a crisis", de: "In der Krise"),
                subcommands: [
                    ActivateCommand.self, MoveCommand.self, ReturnCommand.self, RunningCommand.self, StopCommand.self, RestoreCommand.self,
                    KeepRunningCommand.self, ResumeHeldCommand.self, AskCommand.self, MailSinkCommand.self, StatusPageCommand.self,
                ]),
        ])

    static func main() async {
        let arguments = Terminal.arguments
        Machine.raiseFileLimit()
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Terminal.exit(0)
        } catch {
            Terminal.exit(Ending(arguments).code(after: error))
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Vault

struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: say("Let go of old snapshots, and give back their room.", de: "Alte Stände aufgeben und ihren Platz freigeben."),
        discussion: say(
            """
            For a steward ("zwilling keys steward"). Each --keep option says how many stay, counted for
            each data set and each machine by itself along its own chain; a snapshot that one of them
            names stays. Of an hour, a day … the first one is kept, since whoever steals a machine's key
            comes after it. The newest always stays, and so does what a drill has brought up last.

            It happens in two steps. What is let go now cannot be restored any more. The room comes back
            by a later run: after --grace, and once the machines concerned have protected again, so that
            no run that is under way still needs it. Run it daily; it goes on wherever it was interrupted.

            Of a pack of which snapshots need little, the machine that wrote it stores that little again
            when it protects next; then the pack can go together with the last snapshot that needs it.

            It stops where a machine suddenly keeps far more than usual: look at what it names, then
            confirm it.
              zwilling prune --keep-daily 14 --keep-weekly 8 --keep-monthly 12 --dry-run
              zwilling prune --keep-last 10 --keep-daily 30 --keep-log 14d
              zwilling prune --keep-daily 14 --confirm 5e0c22aa
            """,
            de: """
                Für einen Verwalter („zwilling keys steward“). Jede Option --keep sagt, wie viele Stände
                bleiben, gezählt für jeden Datenbestand und jeden Rechner für sich entlang der eigenen
                Kette; ein Stand bleibt, wenn eine von ihnen ihn nennt. Von einer Stunde, einem Tag …
                bleibt der erste, denn wer den Schlüssel eines Rechners stiehlt, kommt danach. Der neueste
                bleibt immer, ebenso, was eine Übung zuletzt hochgebracht hat.

                Es geschieht in zwei Schritten. Was jetzt aufgegeben wird, lässt sich nicht mehr
                zurückholen. Der Platz kommt mit einem späteren Lauf zurück: nach --grace, und wenn die
                betroffenen Rechner wieder gesichert haben, damit kein laufender Lauf es noch braucht.
                Täglich ausführen; nach einer Unterbrechung geht es weiter.

                Brauchen Stände von einem Paket nur wenig, so sichert der Rechner, der es schrieb, dieses
                Wenige beim nächsten Mal neu; dann kann das Paket mit dem letzten Stand weg, der es braucht.

                Es hält an, wo ein Rechner plötzlich viel mehr sichert als sonst: ansehen, was genannt
                ist, dann bestätigen.
                  zwilling prune --keep-daily 14 --keep-weekly 8 --keep-monthly 12 --dry-run
                  zwilling prune --keep-last 10 --keep-daily 30 --keep-log 14d
                  zwilling prune --keep-daily 14 --confirm 5e0c22aa
                """))

    @Option(help: ArgumentHelp(say("As many of the newest snapshots.", de: "So viele der neuesten Stände."), valueName: "n"))
    var keepLast: Int?

    @Option(help: ArgumentHelp(say("The first of each of the newest n hours that have one.", de: "Der erste aus jeder der neuesten n Stunden mit einem Stand."), valueName: "n"))
    var keepHourly: Int?

    @Option(help: ArgumentHelp(say("The same of days, in UTC.", de: "Ebenso von Tagen, in UTC."), valueName: "n"))
    var keepDaily: Int?

    @Option(help: ArgumentHelp(say("The same of weeks, from Monday.", de: "Ebenso von Wochen, ab Montag."), valueName: "n"))
    var keepWeekly: Int?

    @Option(help: ArgumentHelp(say("The same of months.", de: "Ebenso von Monaten."), valueName: "n"))
    var keepMonthly: Int?

    @Option(help: ArgumentHelp(say("The same of years.", de: "Ebenso von Jahren."), valueName: "n"))
    var keepYearly: Int?

    @Option(
        help: ArgumentHelp(
            say(
                "Keep the log between the snapshots of a PostgreSQL cluster for so long (14d); else as far back as its oldest kept snapshot.",
                de: "Das Protokoll zwischen den Ständen eines PostgreSQL-Clusters so lange behalten (14d); sonst bis zu dessen ältestem behaltenen Stand."),
            valueName: say("time", de: "zeit")))
    var keepLog: String?

    @Option(
        help: ArgumentHelp(
            say("How long packs stay after they were let go: 7d, or 0.", de: "Wie lange Pakete nach dem Aufgeben noch bleiben: 7d, oder 0."),
            valueName: say("time", de: "zeit")))
    var grace = "7d"

    @Option(
        help: ArgumentHelp(
            say(
                "Empty packs of whose content snapshots need less than so many percent, up to 50; 0 for none.",
                de: "Pakete leeren, von deren Inhalt Stände weniger als so viel Prozent brauchen, bis 50; 0 für keine."),
            valueName: say("percent", de: "prozent")))
    var emptyBelow = 30

    @Option(help: ArgumentHelp(say("Let go of snapshots of this data set only; may be repeated.", de: "Nur Stände dieses Datenbestands aufgeben; mehrfach möglich."), valueName: "id"))
    var data: [String] = []

    @Option(
        help: ArgumentHelp(
            say("A snapshot that was found suspicious and is right; may be repeated.", de: "Ein Stand, der auffiel und in Ordnung ist; mehrfach möglich."),
            valueName: say("snapshot", de: "stand")))
    var confirm: [String] = []

    @Flag(name: [.customLong("dry-run"), .customShort("n")], help: ArgumentHelp(say("Only show what would be done.", de: "Nur zeigen, was geschähe.")))
    var dryRun = false

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let options = try options()
        let known = try await KnownVault(vault)
        let keys = try known.ownSteward()
        let observed = try await known.observed(with: keys)
        if let wrong = data.first(where: { id in !observed.snapshots.contains { $0.body.dataSet == id } }) {
            throw Trouble(
                .wrongUse,
                Words("There is no snapshot of data set \"\(plain(wrong))\".", de: "Vom Datenbestand „\(plain(wrong))“ gibt es keinen Stand."),
                advice: Words("\"zwilling snapshots\" shows of which there are.", de: "„zwilling snapshots“ zeigt, von welchen es welche gibt."))
        }
        let pruning = try await Pruning(observed, options, now: World.real.now())
        let isHalted = !pruning.alarms.isEmpty
        var outcome: Pruning.Outcome?
        if !isHalted, !dryRun {
            let progress = ProgressLine(output)
            outcome = try await pruning.carryOut(in: known.vault, by: keys) { done, all in
                progress.update(bytesDone: 0, of: 0, say("removing \(figure(done)) / \(figure(all))", de: "entferne \(figure(done)) / \(figure(all))"))
            }
            progress.end()
            known.remember(statement: pruning.number)
        }
        let report = PruneReport(pruning, outcome, known.vault.keyring)
        try output.json ? showJSON(report.fields) : show(report.lines)
        if isHalted {
            tell(report.halted)
            throw ExitCode(1)
        }
    }

    private func options() throws(Trouble) -> Pruning.Options {
        var retention = Retention()
        retention.last = try Self.count("--keep-last", keepLast)
        let buckets: [(String, Retention.Bucket, Int?)] = [
            ("--keep-hourly", .hour, keepHourly), ("--keep-daily", .day, keepDaily), ("--keep-weekly", .week, keepWeekly),
            ("--keep-monthly", .month, keepMonthly), ("--keep-yearly", .year, keepYearly),
        ]
        for (name, bucket, count) in buckets { retention.buckets[bucket] = try Self.count(name, count) }
        guard !retention.isEmpty else {
            throw Trouble(
                .wrongUse,
                Words("Nothing says which snapshots stay.", de: "Nichts sagt, welche Stände bleiben."),
                advice: Words(
                    "Give one or more of --keep-last, -hourly, -daily, -weekly, -monthly, -yearly.",
                    de: "Eine oder mehrere Optionen angeben: --keep-last, -hourly, -daily, -weekly, -monthly, -yearly."))
        }
        if retention.buckets.isEmpty {
            warn(
                Words(
                    "with --keep-last alone, whoever steals a machine's key can push out all that is good by new snapshots. Keep some days or weeks as well.",
                    de: "Mit --keep-last allein kann, wer den Schlüssel eines Rechners stiehlt, durch neue Stände alles Gute verdrängen. Auch einige Tage oder Wochen behalten."))
        }
        retention.logSeconds = try keepLog.map { text throws(Trouble) in try Self.seconds("--keep-log", text) }
        var options = Pruning.Options(retention)
        options.graceSeconds = try Self.seconds("--grace", grace)
        guard 0...50 ~= emptyBelow else {
            throw .option("--empty-below", Words("a number from 0 to 50", de: "eine Zahl von 0 bis 50"))
        }
        options.sparsePercent = emptyBelow
        options.dataSets = data.isEmpty ? nil : Set(data)
        for id in confirm where id.count < 4 || !id.allSatisfy(\.isHexDigit) {
            throw .option("--confirm", Words("four digits of a snapshot's name or more", de: "mindestens vier Stellen vom Namen eines Stands"))
        }
        options.confirmed = confirm
        return options
    }

    private static func count(_ name: String, _ count: Int?) throws(Trouble) -> Int? {
        guard let count, !(1...1_000_000).contains(count) else { return count }
        throw .option(name, Words("a number from 1 on", de: "eine Zahl ab 1"))
    }

    private static func seconds(_ name: String, _ text: String) throws(Trouble) -> Int64 {
        if text == "0" { return 0 }
        if let span = Span(text) { return Int64(span.seconds) }
        throw .option(name, Words("a time such as 12h, 7d or 4w, or 0", de: "eine Zeit wie 12h, 7d oder 4w, oder 0"))
    }
}

extension KnownVault {
    fileprivate func ownSteward() throws(Trouble) -> StewardKeys {
        if let keys = try state.stewardKeys(), vault.keyring.stewards.contains(where: { $0.id == keys.steward && $0.isActive }) { return keys }
        throw Trouble(
            .wrongKey,
            Words(
                "This machine is no steward of the vault at \"\(vault.site.label)\", and only a steward says what may go.",
                de: "Dieser Rechner ist kein Verwalter des Tresors „\(vault.site.label)“, und nur ein Verwalter sagt, was weg darf."),
            advice: Words("Make it one with \"zwilling keys steward\".", de: "Ihn mit „zwilling keys steward“ dazu machen."))
    }
}

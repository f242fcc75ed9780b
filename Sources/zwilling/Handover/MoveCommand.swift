// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground

/// What `move` and `return` have in common.
struct MoveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say("The platform of the blueprint that goes on with the work, on this machine.", de: "Die Plattform im Bauplan, die auf diesem Rechner weiterarbeitet."),
            valueName: say("platform", de: "plattform")))
    var to: String

    @Option(
        help: ArgumentHelp(
            say("A new directory for what comes over.", de: "Ein neues Verzeichnis für das, was herüberkommt."), valueName: say("dir", de: "verz")))
    var place: PathArgument?

    @Option(
        help: ArgumentHelp(say("The institution's name, as confirmation.", de: "Name der Institution, zur Bestätigung."), valueName: "name"))
    var confirm: String?

    @Flag(
        help: ArgumentHelp(
            say(
                "Also with less memory or fewer cores than the applications ask for.",
                de: "Auch mit weniger Arbeitsspeicher oder Prozessoren, als die Anwendungen verlangen.")))
    var tight = false

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions
}

struct MoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: say("Take the running work over to this machine.", de: "Die laufende Arbeit auf diesen Rechner holen."),
        discussion: say(
            """
            In daily life, from one machine or cloud to another, which need share nothing but the
            vault. Run it where the work is to go. The data come while people go on working; then the
            other side stops, hands over what was written last, and this one goes on, within seconds.
            If either side dies meanwhile, the work stays where it was, or the same command goes on.
              zwilling move --to cloud-b --vault s3://s3.example.eu/town-vault
            """,
            de: """
                Im Alltag, von einem Rechner oder einer Cloud zur anderen; gemeinsam haben müssen sie
                nur den Tresor. Dort aufrufen, wohin die Arbeit soll. Die Daten kommen, während die
                Menschen weiterarbeiten; dann hält die andere Seite an, übergibt, was zuletzt geschrieben
                wurde, und diese macht weiter, in Sekunden. Stirbt eine Seite dabei, bleibt die Arbeit,
                wo sie war, oder derselbe Befehl macht weiter.
                  zwilling move --to cloud-b --vault s3://s3.example.eu/stadt-tresor
                """))

    @OptionGroup var options: MoveOptions

    mutating func run() async throws {
        try await HandoverRun(options: options, mode: .move).run()
    }
}

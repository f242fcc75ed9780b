// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Ground

struct LeikaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leika",
        abstract: say("Find the key of a public service.", de: "Den Schlüssel einer Leistung finden."),
        discussion: say(
            """
            Searches the catalogue of public services (LeiKa, state 2019) by words or by the first
            digits of a key. Capitals do not matter, and umlauts may be written out.
              zwilling leika wohngeld
              zwilling leika personalausweis ausstellung
              zwilling leika 99107
            """,
            de: """
                Sucht im Leistungskatalog (LeiKa, Stand 2019) nach Wörtern oder den ersten Ziffern
                eines Schlüssels. Groß- und Kleinschreibung ist gleich, Umlaute dürfen
                ausgeschrieben sein.
                  zwilling leika wohngeld
                  zwilling leika personalausweis ausstellung
                  zwilling leika 99107
                """))

    private static let linesMax = 40

    @Argument(
        help: ArgumentHelp(
            say("Words of its name, or digits.", de: "Wörter aus dem Namen oder Ziffern."),
            valueName: say("word", de: "wort")))
    var words: [String]

    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let wish = words.joined(separator: " ")
        let found = Leika.find(wish)
        if output.json {
            return try showJSON(found.map { ["key": $0.key, "name": $0.name] })
        }
        guard !found.isEmpty else {
            throw Trouble(
                .wrongUse,
                Words(
                    "No service of the LeiKa of 2019 matches \"\(plain(wish))\".",
                    de: "Keine Leistung im LeiKa von 2019 passt zu „\(plain(wish))“."),
                advice: Words(
                    "Try fewer or other words; newer keys are at fimportal.de.",
                    de: "Weniger oder andere Wörter versuchen; neuere Schlüssel stehen auf fimportal.de."))
        }
        try show(found.prefix(Self.linesMax).map { "\($0.key)  \($0.name)" })
        if found.count > Self.linesMax {
            tell(
                say(
                    "and \(found.count - Self.linesMax) more; add a word",
                    de: "und \(found.count - Self.linesMax) weitere; ein Wort ergänzen"))
        }
    }
}

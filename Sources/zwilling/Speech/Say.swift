// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// The language of the person at the keyboard. Chosen once, here at the edge: help texts are
/// static, so they cannot be handed a language.
let language = Language(
    environment: ["LC_ALL", "LC_MESSAGES", "LANG"].reduce(into: [:]) {
        $0[$1] = Terminal.environment($1)
    })

func say(_ words: Words) -> String { words(in: language) }

func say(_ english: String, de german: String) -> String {
    language == .german ? german : english
}

/// A line for the person on standard error. That it cannot be shown is no reason to fail.
func tell(_ line: String) {
    do throws(SystemError) {
        try Terminal.write(Array((line + "\n").utf8), to: .talk)
    } catch {}
}

func warn(_ words: Words) {
    tell(say("Warning: ", de: "Achtung: ") + say(words))
}

// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing

@Suite("Words for people")
struct WordsTests {
    @Test(
        "come in the language of the environment",
        arguments: [
            ([:], Language.english),
            (["LANG": "de_DE.UTF-8"], .german),
            (["LANG": "de"], .german),
            (["LANG": "C"], .english),
            (["LANG": "nl_NL.UTF-8"], .english),
            (["LANG": "de_DE.UTF-8", "LC_ALL": "C"], .english),
            (["LANG": "C", "LC_MESSAGES": "de_AT.UTF-8"], .german),
            (["LANG": "C", "LC_MESSAGES": "de_AT", "LC_ALL": "en_US.UTF-8"], .english),
            (["LANG": "de_CH", "LC_MESSAGES": "", "LC_ALL": ""], .german),
            (["LANGUAGE": "de"], .english),
        ] as [([String: String], Language)])
    func language(environment: [String: String], language: Language) {
        #expect(Language(environment: environment) == language)
    }

    @Test("are there in every language")
    func words() {
        let words = Words("Done.", de: "Fertig.")
        #expect(words(in: .english) == "Done.")
        #expect(words(in: .german) == "Fertig.")
    }
}

@Suite("A trouble")
struct TroubleTests {
    private let words = Words("It broke.", de: "Es brach.")
    private let advice = Words("Mend it.", de: "Reparieren.")

    @Test("says what, what next and why, in this order")
    func description() {
        #expect("\(Trouble(.system, words))" == "It broke.")
        let whole = Trouble(.system, words, advice: advice, cause: Malformed("cut", at: 3))
        #expect("\(whole)" == "It broke. Mend it. (cut at byte 3)")
    }

    @Test("ends in exit code 2 for wrong use, else 1")
    func codes() {
        #expect(Trouble(.wrongUse, words).exitCode == 2)
        #expect(Trouble(.damaged, words).exitCode == 1)
    }
}

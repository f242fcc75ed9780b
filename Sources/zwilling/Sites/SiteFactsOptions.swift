// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites

/// What an institution says of a site.
struct SiteFactsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say("What people call it; else part of its address.", de: "Wie er heißt; sonst ein Teil der Adresse."),
            valueName: say("name", de: "name")))
    var name: String?

    @Option(
        help: ArgumentHelp(
            say("Who runs it, such as 'IONOS SE'.", de: "Wer ihn betreibt, etwa 'IONOS SE'."), valueName: say("name", de: "name")))
    var `operator`: String?

    @Option(
        help: ArgumentHelp(
            say("Where it stands, such as DE.", de: "Wo er steht, etwa DE."), valueName: say("country", de: "land")))
    var country: String?

    @Option(
        help: ArgumentHelp(
            say(
                "Whose law its operator obeys: a country, EU or EEA.",
                de: "Wessen Recht der Betreiber unterliegt: ein Land, EU oder EEA."), valueName: say("law", de: "recht")))
    var jurisdiction: String?

    @Option(
        help: ArgumentHelp(
            say("A certificate it has, such as C5:2026; once for each.", de: "Ein Zertifikat, etwa C5:2026; je Zertifikat einmal."),
            valueName: say("name", de: "name")))
    var certificate: [String] = []

    @Option(
        help: ArgumentHelp(
            say(
                "What its copies survive by themselves: 1 disk, 2 rack, 3 site, 4 its destruction (SCS-0118).",
                de: "Was seine Kopien selbst überstehen: 1 Platte, 2 Schrank, 3 Standort, 4 dessen Zerstörung (SCS-0118)."),
            valueName: say("level", de: "stufe")))
    var failsafe: Int?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            say(
                "A disk that is plugged in now and then: filled by \"sites catch-up\" only.",
                de: "Eine Platte, die ab und zu angeschlossen wird: Nur „sites catch-up“ füllt sie.")))
    var removable: Bool?

    @Option(
        help: ArgumentHelp(
            say(
                "For how many days its bucket's own lock lets nobody delete.",
                de: "Für wie viele Tage die eigene Sperre des Buckets niemanden löschen lässt."), valueName: say("days", de: "tage")))
    var lockDays: Int?

    /// The same site with what is said here.
    func amended(_ old: SiteFacts) throws(Trouble) -> SiteFacts {
        var new = old
        if let name {
            guard (1...63).contains(name.utf8.count), name.utf8.allSatisfy({ Self.isPlain($0) }), !name.hasPrefix("-") else {
                throw .option("--name", Words("1 to 63 letters, digits, - . _", de: "1 bis 63 Buchstaben, Ziffern, - . _"))
            }
            new.name = name
        }
        if let `operator` { new.operatorName = try Self.text(`operator`, "--operator") }
        if let country { new.country = try Self.code(country, "--country") }
        if let jurisdiction { new.jurisdiction = try Self.code(jurisdiction, "--jurisdiction") }
        if !certificate.isEmpty {
            new.certificates = try certificate.map { one throws(Trouble) in try Self.text(one, "--certificate") }
        }
        if let failsafe {
            guard (1...4).contains(failsafe) else { throw .option("--failsafe", Words("1 to 4", de: "1 bis 4")) }
            new.failsafeLevel = UInt8(failsafe)
        }
        if let removable { new.isRemovable = removable }
        if let lockDays { new.lockDays = try Self.days(lockDays) }
        return new
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func text(_ text: String, _ option: String) throws(Trouble) -> String {
        guard (1...255).contains(text.utf8.count), plain(text) == text else {
            throw .option(option, Words("1 to 255 bytes of plain text", de: "1 bis 255 Bytes einfacher Text"))
        }
        return text
    }

    static func code(_ text: String, _ option: String) throws(Trouble) -> String {
        let code = text.uppercased()
        guard Jurisdiction.isOne(code) else {
            throw .option(option, Words("two letters such as DE or EU, or EEA", de: "zwei Buchstaben wie DE oder EU, oder EEA"))
        }
        return code
    }

    static func days(_ days: Int) throws(Trouble) -> UInt16 {
        guard (0...36_500).contains(days) else { throw .option("--lock-days", Words("0 to 36500 days", de: "0 bis 36500 Tage")) }
        return UInt16(days)
    }

    /// A name that no other site has, from an address.
    static func name(for place: VaultPlace, among others: [SiteFacts]) -> String {
        let words = place.address.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0))) }
        let base = String((words.last { !$0.hasPrefix("-") && !$0.hasPrefix(".") } ?? "site").prefix(40))
        let taken = Set(others.map(\.name))
        return ([base] + (2...99).map { "\(base)-\($0)" }).first { !taken.contains($0) } ?? base
    }
}

extension Trouble {
    static func option(_ option: String, _ wanted: Words) -> Trouble {
        Trouble(
            .wrongUse,
            Words("\(option) does not hold what it should.", de: "\(option) enthält nicht, was es soll."),
            advice: Words("Give \(wanted.english).", de: "Anzugeben: \(wanted.german)."))
    }
}

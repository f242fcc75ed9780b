// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Data of one kind in one place: what is captured together, and brought back together.
package struct DataSet: Formed, Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Files below some paths.
        case files
        /// What a vendor's dump tool says.
        case command
        /// A whole PostgreSQL cluster, over its replication protocol.
        case postgres
        /// Something that must never be shown: a password, a key, a licence.
        case secret
    }

    /// What a data set is captured from.
    package enum Source: Hashable, Sendable {
        case files(Files)
        case command(Command)
        case postgres(Postgres)
        case secret(Secret)
    }

    package let id: Written<String>
    package let source: Source
    /// The host on which it lies; none where there is only one.
    package let host: Written<String>?
    /// How old its copy may be.
    package let rpo: Written<Span>?
    package let protection: Protection?
    package let categories: [Written<Category>]

    package var kind: Kind {
        switch source {
        case .files: .files
        case .command: .command
        case .postgres: .postgres
        case .secret: .secret
        }
    }

    init?(_ form: Form) {
        let id = form.id()
        let kind = form.choice(
            "kind", Words("what kind of data it is", de: "welche Art von Daten"), of: Kind.self,
            required: true)
        host = form.text("host", Words("name of the host on which it lies", de: "Name des Rechners, auf dem er liegt"))
        rpo = form.span("rpo", Words("how old its copy may be", de: "wie alt seine Kopie sein darf"))
        protection = form.one(
            "protection", Words("need for protection (BSI 200-2)", de: "Schutzbedarf (BSI 200-2)"),
            of: Protection.self)
        categories = Self.categories(form)
        let files = Files(form, isWanted: kind?.value == .files)
        let command = Command(form, isWanted: kind?.value == .command)
        let postgres = Postgres(form, isWanted: kind?.value == .postgres)
        let secret = Secret(form, isWanted: kind?.value == .secret)
        guard let id, let kind else { return nil }
        self.id = id
        switch kind.value {
        case .files:
            guard let files else { return nil }
            source = .files(files)
        case .command:
            guard let command else { return nil }
            source = .command(command)
        case .postgres:
            guard let postgres else { return nil }
            source = .postgres(postgres)
        case .secret:
            guard let secret else { return nil }
            source = .secret(secret)
        }
    }

    /// How sensitive it is, and which law decides where it may lie (`D0` open … `D7` classified).
    package enum Category: String, CaseIterable, Sendable, Comparable {
        case open = "D0"
        case inner = "D1"
        case personal = "D2"
        case special = "D3"
        case social = "D4"
        case secrecy = "D5"
        case registers = "D6"
        case classified = "D7"

        package static func < (one: Category, other: Category) -> Bool {
            one.rawValue < other.rawValue
        }
    }

    private static func categories(_ form: Form) -> [Written<Category>] {
        let about = Words(
            "data categories D0 to D7, which decide where it may lie",
            de: "Datenkategorien D0 bis D7, die entscheiden, wo er liegen darf")
        let all = Category.allCases.map(\.rawValue)
        return form.texts("categories", about, choices: all).compactMap { text in
            if let category = Category(rawValue: text.value.uppercased()) {
                return Written(category, at: text.place)
            }
            form.wrong("categories", at: text.place, .category)
            return nil
        }
    }
}

/// Need for protection (BSI 200-2).
package struct Protection: Formed, Hashable, Sendable {
    package enum Need: String, CaseIterable, Sendable, Comparable {
        case normal
        case high
        case veryHigh = "very-high"

        private var rank: Int { Need.allCases.firstIndex(of: self) ?? 0 }

        package static func < (one: Need, other: Need) -> Bool { one.rank < other.rank }
    }

    package let confidentiality: Written<Need>?
    package let integrity: Written<Need>?
    package let availability: Written<Need>?

    init?(_ form: Form) {
        confidentiality = form.choice(
            "confidentiality", Words("that nobody else reads it", de: "dass niemand sonst sie liest"),
            of: Need.self)
        integrity = form.choice(
            "integrity", Words("that nobody changes it", de: "dass niemand sie verändert"), of: Need.self)
        availability = form.choice(
            "availability", Words("that it is there", de: "dass sie da sind"), of: Need.self)
    }
}

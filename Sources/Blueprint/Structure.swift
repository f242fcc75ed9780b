// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A part of the institution that is in charge of something.
package struct OrganisationUnit: Formed, Hashable, Sendable {
    package let id: Written<String>
    package let name: Written<String>?
    /// The unit to which it belongs.
    package internal(set) var parent: Written<String>?

    init(id: Written<String>, name: Written<String>, parent: Written<String>?) {
        (self.id, self.name, self.parent) = (id, name, parent)
    }

    init?(_ form: Form) {
        let id = form.id()
        name = form.text("name", Words("its name for people", de: "ihr Name für Menschen"))
        parent = form.text("parent", Words("the unit above it", de: "die Einheit darüber"))
        guard let id else { return nil }
        self.id = id
    }
}

/// What somebody must be able to do, whoever it is.
package struct Role: Formed, Hashable, Sendable {
    package let id: Written<String>
    package let name: Written<String>?
    package let unit: Written<String>?
    package internal(set) var holder: Written<String>?
    package internal(set) var deputies: [Written<String>]
    /// Whether emergency operation stands still without it.
    package let isEssential: Bool

    /// One of which only the name is known yet.
    init(id: Written<String>, name: Written<String>) {
        (self.id, self.name, unit) = (id, name, nil)
        (holder, deputies, isEssential) = (nil, [], false)
    }

    init?(_ form: Form) {
        let id = form.id()
        name = form.text("name", Words("its name for people", de: "ihr Name für Menschen"))
        unit = form.text("unit", Words("the unit to which it belongs", de: "die Einheit, zu der sie gehört"))
        holder = form.text("holder", Words("the person who has it", de: "die Person, die sie hat"))
        deputies = form.texts(
            "deputies", Words("persons who stand in", de: "Personen, die vertreten"))
        isEssential =
            form.flag(
                "essential",
                Words(
                    "emergency operation stands still without it",
                    de: "ohne sie steht der Notbetrieb still"))?.value ?? false
        guard let id else { return nil }
        self.id = id
    }
}

/// Somebody, and how to reach them when the office network is gone.
package struct Person: Formed, Hashable, Sendable {
    package let id: Written<String>
    package let name: Written<String>
    package let unit: Written<String>?
    /// What they do.
    package let title: Written<String>?
    /// The person to whom they report.
    package internal(set) var manager: Written<String>?
    package let mail: Written<String>?
    /// Ways that need nothing of the institution: a private telephone, an address.
    package let reachable: [Written<String>]

    init(
        id: Written<String>, name: Written<String>, unit: Written<String>?,
        title: Written<String>?, manager: Written<String>?, mail: Written<String>?,
        reachable: [Written<String>]
    ) {
        (self.id, self.name, self.unit, self.title) = (id, name, unit, title)
        (self.manager, self.mail, self.reachable) = (manager, mail, reachable)
    }

    init?(_ form: Form) {
        let id = form.id()
        let name = form.text(
            "name", Words("first and last name", de: "Vor- und Nachname"), required: true)
        unit = form.text("unit", Words("the unit to which they belong", de: "die Einheit der Person"))
        title = form.text("title", Words("what they do", de: "was die Person tut"))
        manager = form.text("manager", Words("the person to whom they report", de: "die vorgesetzte Person"))
        mail = form.text("mail", Words("address at the institution", de: "Adresse in der Institution"))
        reachable = form.texts(
            "reachable",
            Words(
                "how to reach them without the office network",
                de: "wie sie ohne das Büronetz zu erreichen ist"))
        guard let id, let name else { return nil }
        (self.id, self.name) = (id, name)
    }
}

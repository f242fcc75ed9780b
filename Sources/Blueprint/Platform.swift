// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Where applications can run when the original is gone.
package struct Platform: Formed, Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Containers on one machine.
        case podman
        /// Programs on one machine, without containers.
        case process
        /// A cluster.
        case kubernetes
    }

    package let id: Written<String>
    package let kind: Written<Kind>
    package let name: Written<String>?
    /// The machine; none where it is the one on which Zwilling runs.
    package let host: Written<String>?
    /// Of a cluster: the context of kubectl's configuration, and the namespace.
    package let context: Written<String>?
    package let namespace: Written<String>?
    /// The host that takes outgoing mail there.
    package let mail: Written<String>?
    /// On which citizens are told what goes on.
    package let statusPage: Written<Int>?
    /// Shell commands that lead people to what runs there, and no longer.
    package let serve: Written<String>?
    package let leave: Written<String>?
    /// Who runs it, where it stands, and whose law its operator obeys.
    package let `operator`: Written<String>?
    package let country: Written<String>?
    package let jurisdiction: Written<String>?

    init?(_ form: Form) {
        let id = form.id()
        let kind = form.choice(
            "kind", Words("what kind of platform it is", de: "welche Art von Plattform"), of: Kind.self,
            required: true)
        name = form.text("name", Words("its name for people", de: "ihr Name für Menschen"))
        host = form.text("host", Words("the machine; else this one", de: "der Rechner; sonst dieser"))
        context = form.text("context", Words("context of kubectl's configuration", de: "Kontext der kubectl-Konfiguration"))
        namespace = form.text("namespace", Words("namespace in a cluster", de: "Namensraum im Cluster"))
        mail = form.text("mail", Words("host that takes outgoing mail there", de: "Rechner, der dort ausgehende Post annimmt"))
        statusPage = form.port(
            "status-page", Words("port of a page that tells citizens what goes on", de: "Port einer Seite, die Bürgern sagt, was weitergeht"))
        serve = form.text(
            "serve",
            Words(
                "command that leads people there once it serves, such as a change of DNS",
                de: "Befehl, der die Menschen dorthin führt, sobald sie dient, etwa eine DNS-Änderung"))
        leave = form.text(
            "leave", Words("command that undoes it when it is stopped", de: "Befehl, der das beim Beenden zurücknimmt"))
        `operator` = form.text("operator", Words("who runs it", de: "wer sie betreibt"))
        country = Self.country("country", Words("where it stands", de: "wo sie steht"), form)
        jurisdiction = Self.country(
            "jurisdiction", Words("whose law its operator obeys", de: "wessen Recht der Betreiber unterliegt"), form)
        guard let id, let kind else { return nil }
        (self.id, self.kind) = (id, kind)
    }

    /// Two letters of ISO 3166-1, or EU.
    private static func country(_ key: String, _ about: Words, _ form: Form) -> Written<String>? {
        guard let text = form.text(key, about, pattern: "^[A-Z]{2}$") else { return nil }
        if text.value.utf8.count == 2, text.value.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) {
            return text
        }
        form.wrong(key, at: text.place, .country)
        return nil
    }
}

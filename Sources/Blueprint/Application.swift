// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A program of the institution, and what it cannot do without.
package struct Application: Formed, Hashable, Sendable {
    package let id: Written<String>
    package let name: Written<String>?
    package let image: Written<String>?
    /// What starts it in its container; else what the image says.
    package let command: Written<String>?
    /// What starts it where there are no containers.
    package let process: Written<String>?
    /// Of the machine on which it runs, beside others; the memory in bytes.
    package let cores: Written<Int>?
    package let memory: Written<UInt64>?
    /// As whom it runs.
    package let user: Written<String>?
    /// On which it answers.
    package let ports: [Written<Int>]
    package let health: Health?
    /// What shows that it has come back right.
    package let trials: [Trial]
    /// Where in its container its data sets lie, if not where they were captured.
    package let mounts: [Mount]
    package let configuration: Configuration?
    package let secrets: [PlacedSecret]
    package let data: [Written<String>]
    package let needs: [Need]
    /// Where it can run, the first that can be had.
    package let platforms: [Written<String>]
    /// It keeps nothing of its own: there is nothing to protect.
    package let isStateless: Bool
    /// Commands that make it hold still while its data sets are captured, and let it go on.
    package let quiesce: Written<String>?
    package let resume: Written<String>?

    init?(_ form: Form) {
        let id = form.id()
        name = form.text("name", Words("its name for people", de: "ihr Name für Menschen"))
        image = form.text("image", Words("container image", de: "Container-Abbild"))
        command = form.text(
            "command",
            Words(
                "shell command that starts it in its container; else what the image says",
                de: "Shell-Befehl, der sie im Container startet; sonst was das Abbild sagt"))
        process = form.text(
            "process",
            Words(
                "shell command that starts it where there are no containers",
                de: "Shell-Befehl, der sie ohne Container startet"))
        cores = form.cores("cores", Words("processors that it takes", de: "Prozessoren, die sie braucht"))
        memory = form.memory("memory", Words("memory that it takes", de: "Arbeitsspeicher, den sie braucht"))
        user = form.text("user", Words("as whom it runs", de: "als welcher Benutzer sie läuft"))
        ports = form.ports("ports", Words("ports on which it answers", de: "Ports, auf denen sie antwortet"))
        health = form.one(
            "health", Words("how to tell that it works", de: "woran zu erkennen ist, dass sie läuft"), of: Health.self)
        trials = form.list(
            "trials",
            Words(
                "what shows in a drill that it has come back right",
                de: "was in einer Übung zeigt, dass sie richtig zurück ist"), of: Trial.self)
        mounts = form.list(
            "mounts",
            Words(
                "where its data sets lie in its container, if not where they were captured",
                de: "wo ihre Datenbestände im Container liegen, wenn nicht am gesicherten Ort"), of: Mount.self)
        configuration = form.one(
            "configuration", Words("its settings, never secrets", de: "ihre Einstellungen, nie Geheimnisse"),
            of: Configuration.self)
        secrets = form.list(
            "secrets", Words("secrets that it is handed", de: "Geheimnisse, die sie bekommt"), of: PlacedSecret.self)
        data = form.texts(
            "data",
            Words(
                "its data sets, captured in this order so that none refers to what another lacks",
                de: "ihre Datenbestände, gesichert in dieser Reihenfolge, damit keiner auf Fehlendes verweist"))
        needs = form.list(
            "needs", Words("what it cannot do without", de: "was sie braucht"), of: Need.self)
        platforms = form.texts(
            "platforms",
            Words("where it can run, the first that can be had", de: "wo sie laufen kann, die erste verfügbare"))
        isStateless =
            form.flag(
                "stateless", Words("it keeps no data of its own", de: "sie hält keine eigenen Daten"))?
            .value ?? false
        quiesce = form.text(
            "quiesce",
            Words(
                "command that makes it hold still while its data sets are captured",
                de: "Befehl, der sie während der Sicherung ruhen lässt"))
        resume = form.text("resume", Words("command that lets it go on", de: "Befehl, der sie weiterlaufen lässt"))
        guard let id else { return nil }
        self.id = id
    }
}

/// Something without which an application does not work.
package struct Need: Formed, Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case application, identity, mail, dns, certificates, register, service
    }

    package let place: Place
    package let kind: Written<Kind>
    /// The application, register or service that is meant.
    package let name: Written<String>?
    /// The institution that offers it.
    package let provider: Written<String>?
    /// What takes its place in an emergency.
    package let standIn: Written<String>?

    init?(_ form: Form) {
        place = form.place
        let kind = form.choice(
            "kind", Words("what is needed", de: "was gebraucht wird"), of: Kind.self, required: true)
        name = form.text(
            "name", Words("which application, register or service", de: "welche Anwendung, welches Register, welche Leistung"))
        provider = form.text(
            "provider", Words("institution that offers it", de: "Institution, die es anbietet"))
        standIn = form.text(
            "stand-in", Words("what takes its place in an emergency", de: "was im Notbetrieb an seine Stelle tritt"))
        guard let kind else { return nil }
        self.kind = kind
    }
}

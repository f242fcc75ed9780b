// SPDX-License-Identifier: EUPL-1.2
import Ground

/// An authority or enterprise with its services, structures, applications and data. Nothing in it
/// is for authorities only.
package struct Institution: Formed, Hashable, Sendable {
    package let name: Written<String>
    package let kind: Written<String>?
    /// Eight digits of a municipality or district (Amtlicher Gemeindeschlüssel).
    package let ags: Written<String>?
    /// Where its vault lies.
    package let vault: Written<String>?
    package internal(set) var units: [OrganisationUnit]
    package internal(set) var roles: [Role]
    package internal(set) var people: [Person]
    /// Files beside the blueprint that tell of more of them.
    package let structureFiles: [Written<String>]
    package private(set) var services: [Service]
    package private(set) var applications: [Application]
    package private(set) var data: [DataSet]
    package let platforms: [Platform]
    /// A file beside the blueprint that says which images may be taken: containers-policy.json(5).
    package let imagePolicy: Written<String>?
    /// How long programs of the original that run under a lease go on when nobody can renew it.
    package let lease: Written<Span>?

    init?(_ form: Form) {
        let name = form.text(
            "institution", Words("its name", de: "ihr Name"), required: true)
        kind = form.text(
            "kind",
            Words(
                "municipality, district, utility, hospital, agency, enterprise …",
                de: "municipality, district, utility, hospital, agency, enterprise …"))
        ags = form.text(
            "ags", Words("official key of a municipality or district", de: "Amtlicher Gemeindeschlüssel"),
            pattern: "^[0-9]{8}$")
        vault = form.vaultPlace("vault", Words("where the vault lies: a directory, or a bucket", de: "wo der Tresor liegt: ein Verzeichnis oder ein Bucket"))
        units = form.list("units", Words("its parts", de: "ihre Einheiten"), of: OrganisationUnit.self)
        roles = form.list(
            "roles", Words("what somebody must be able to do", de: "was jemand können muss"), of: Role.self)
        people = form.list("people", Words("its people", de: "ihre Menschen"), of: Person.self)
        structureFiles = form.texts(
            "structures-from",
            Words("tables (CSV) or exports of a directory (LDIF) with more of them", de: "Tabellen (CSV) oder Verzeichnis-Auszüge (LDIF) mit weiteren"))
        services = form.list(
            "services", Words("what others get from it", de: "was andere von ihr bekommen"), of: Service.self)
        applications = form.list(
            "applications", Words("its programs", de: "ihre Programme"), of: Application.self)
        data = form.list("data", Words("its data sets", de: "ihre Datenbestände"), of: DataSet.self)
        platforms = form.list(
            "platforms", Words("where its applications can run", de: "wo ihre Anwendungen laufen können"),
            of: Platform.self)
        imagePolicy = form.text(
            "image-policy",
            Words(
                "file that says which container images may be captured, by whose signature (containers-policy.json)",
                de: "Datei, die sagt, welche Container-Abbilder gesichert werden dürfen, mit wessen Signatur (containers-policy.json)"))
        lease = form.span(
            "lease",
            Words(
                "how long the original's programs go on without a word of the vault, for those under \"zwilling lease\" (at least 10 s)",
                de: "wie lange die Programme des Originals ohne ein Wort des Tresors weiterlaufen, soweit sie unter „zwilling lease“ laufen (mindestens 10 s)"))
        guard let name else { return nil }
        self.name = name
    }

    /// Only these applications and data sets, and the services of which no application is missing.
    package func keeping(applications ids: Set<String>, data dataIds: Set<String>) -> Institution {
        var kept = self
        kept.applications = applications.filter { ids.contains($0.id.value) }
        kept.data = data.filter { dataIds.contains($0.id.value) }
        kept.services = services.filter { service in
            !service.applications.isEmpty && service.applications.allSatisfy { ids.contains($0.value) }
        }
        return kept
    }
}

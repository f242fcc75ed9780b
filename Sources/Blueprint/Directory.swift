// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The people, units and roles of a file beside the blueprint, in the words of that file: names
/// that may mean something in the blueprint, too. A table or an export of a directory says it, so
/// that what is kept there already is not written twice.
struct Directory {
    struct Unit {
        let name: Written<String>
        let parent: Written<String>?
    }

    struct Member {
        let person: Person
        /// Names of units and people, or their ids.
        let unit: Written<String>?
        let manager: Written<String>?
        let roles: [Written<String>]
        let deputyFor: [Written<String>]
    }

    /// Roles with the ids of those who have them.
    struct Group {
        let name: Written<String>
        /// Who holds it; nobody where the file says only who belongs to it.
        let owner: Written<String>?
        let members: [Written<String>]
    }

    var units: [Unit] = []
    var members: [Member] = []
    var groups: [Group] = []

    /// Reads a file by the ending of its name.
    init?(_ bytes: [UInt8], named file: Written<String>, _ findings: Findings) {
        let name = file.value.lowercased()
        if name.hasSuffix(".csv") {
            do throws(Refusal<CSV.Fault>) {
                self.init(try CSV.read(bytes, file: file.value), findings)
            } catch {
                findings.refuse(.notCSV, "CSV", error)
                return nil
            }
        } else if name.hasSuffix(".ldif") {
            do throws(Refusal<LDIF.Fault>) {
                self.init(try LDIF.read(bytes, file: file.value), findings)
            } catch {
                findings.refuse(.notLDIF, "LDIF", error)
                return nil
            }
        } else {
            findings.error(
                .notStructures, at: file.place,
                Words(
                    "\"\(file.value)\" is neither a table nor an export of a directory.",
                    de: "„\(file.value)“ ist weder Tabelle noch Auszug eines Verzeichnisses."),
                remedy: Words(
                    "Export it as CSV or LDIF; its name ends in .csv or .ldif.",
                    de: "Als CSV oder LDIF exportieren; der Name endet auf .csv oder .ldif."))
            return nil
        }
    }

    /// The id that a file gives, or one made of a name.
    static func id(
        _ given: Written<String>?, orOf name: Written<String>, _ findings: Findings
    ) -> Written<String>? {
        if let id = slug((given ?? name).value) { return Written(id, at: (given ?? name).place) }
        findings.error(
            .noIDFromName, at: name.place,
            Words(
                "No id can be made of \"\(name.value)\".",
                de: "Aus „\(name.value)“ lässt sich keine id machen."),
            remedy: Words(
                "Give one in a column \"id\" or as \"uid\": small letters a to z, digits and dashes.",
                de: "Eine in der Spalte „id“ oder als „uid“ angeben: Kleinbuchstaben a bis z, Ziffern und Striche."))
        return nil
    }
}

extension Findings {
    func refuse<Fault: Reason>(_ code: Finding.Code, _ format: String, _ refusal: Refusal<Fault>) {
        error(
            code, at: refusal.place,
            Words(
                "This is not \(format): \(refusal.fault.why.english).",
                de: "Das ist kein \(format): \(refusal.fault.why.german)."),
            remedy: refusal.fault.remedy)
    }
}

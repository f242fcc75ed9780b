// SPDX-License-Identifier: EUPL-1.2
import Ground

// Blueprint says what an institution is: plain values, read from YAML and checked. It opens no file.

/// The description of an institution: one file, and the files that it names.
package struct Blueprint: Sendable {
    package let institution: Institution
    /// The file itself, and every file it names, relative to its directory.
    package let files: [String]

    /// Bytes that a blueprint may have.
    package static let bytesMax = 4 << 20
    /// Reads a blueprint and checks all of it.
    ///
    /// - Parameters:
    ///   - name: what people call the file, for places.
    ///   - load: hands out a file that lies beside the blueprint; nil where there is none.
    /// - Returns: the blueprint, if there is no error among the findings, and all findings by place.
    package static func read(
        _ bytes: [UInt8], name: String, load: @escaping (String) -> [UInt8]?
    ) -> (blueprint: Blueprint?, findings: [Finding]) {
        let findings = Findings()
        guard let root = root(bytes, name, findings) else { return (nil, findings.all) }
        let form = Form(root, at: Place(file: name, line: 1, column: 1), findings)
        var institution = Institution(form)
        form.finish()
        var beside = Beside(findings, load)
        let structures = beside.structures(of: institution)
        institution?.add(structures, findings)
        if let institution {
            Check(institution, findings).run()
            beside.look(at: institution)
        }
        let files = [name] + beside.names
        let all = findings.all.sorted {
            ($0.place, $0.code.rawValue) < ($1.place, $1.code.rawValue)
        }
        guard let institution, !all.contains(where: { $0.severity == .error }) else {
            return (nil, all)
        }
        return (Blueprint(institution: institution, files: files), all)
    }

    /// JSON Schema for editors.
    package static func schema(in language: Language) -> String {
        let about: [(String, JSON)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
            ("title", .text("institution.yaml")),
        ]
        let shape = Form.shape(of: Institution.self).schema(in: language)
        return JSON.object(about + shape).lines() + "\n"
    }

    // MARK: YAML

    private static func root(
        _ bytes: [UInt8], _ name: String, _ findings: Findings
    ) -> [(key: YAML, value: YAML)]? {
        let start = Place(file: name, line: 1, column: 1)
        guard bytes.count <= bytesMax else {
            findings.error(
                .tooLarge, at: start,
                Words(
                    "The blueprint is larger than 4 MiB.", de: "Der Bauplan ist größer als 4 MiB."),
                remedy: Words("Is it the right file?", de: "Ist es die richtige Datei?"))
            return nil
        }
        let places = Places(file: name, bytes: bytes)
        if let foreign = places.firstForeign {
            findings.error(
                .notUTF8, at: places.place(of: foreign),
                Words("The blueprint is not UTF-8.", de: "Der Bauplan ist nicht UTF-8."),
                remedy: Words("Save it as UTF-8.", de: "Ihn als UTF-8 speichern."))
            return nil
        }
        do throws(YAML.Problem) {
            if case .mapping(let pairs)? = try YAML.read(bytes, file: name)?.content { return pairs }
            findings.error(
                .notAMapping, at: start,
                Words(
                    "A blueprint consists of keys and values.",
                    de: "Ein Bauplan besteht aus Schlüsseln und Werten."),
                remedy: Words(
                    "Begin with \"institution: NAME\", or let \"zwilling init\" write one.",
                    de: "Mit „institution: NAME“ beginnen oder „zwilling init“ einen schreiben lassen."
                ))
        } catch {
            findings.error(
                .notYAML, at: error.place,
                Words("This is not YAML: \(error.text.english).", de: "Das ist kein YAML: \(error.text.german)."),
                remedy: Words(
                    "Look at the indentation, colons and quotes here and in the line above.",
                    de: "Einrückung, Doppelpunkte und Anführungszeichen hier und in der Zeile darüber ansehen."
                ))
        }
        return nil
    }
}

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
        _ bytes: [UInt8], name: String, load: (String) -> [UInt8]?
    ) -> (blueprint: Blueprint?, findings: [Finding]) {
        let findings = Findings()
        guard let root = root(bytes, name, findings) else { return (nil, findings.all) }
        let form = Form(root, at: Place(file: name, line: 1, column: 1), findings)
        let institution = Institution(form)
        form.finish()
        var files = [name]
        if let institution {
            Check(institution, findings).run()
            files += Self.files(of: institution, findings, load)
        }
        let all = findings.all.sorted { ($0.place, $0.code) < ($1.place, $1.code) }
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
                "too-large", at: start,
                Words(
                    "The blueprint is larger than 4 MiB.", de: "Der Bauplan ist größer als 4 MiB."),
                remedy: Words("Is it the right file?", de: "Ist es die richtige Datei?"))
            return nil
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            findings.error(
                "not-utf8", at: firstForeign(bytes, name),
                Words("The blueprint is not UTF-8.", de: "Der Bauplan ist nicht UTF-8."),
                remedy: Words("Save it as UTF-8.", de: "Ihn als UTF-8 speichern."))
            return nil
        }
        do throws(YAML.Problem) {
            if case .mapping(let pairs)? = try YAML.read(bytes, file: name)?.content { return pairs }
            findings.error(
                "not-a-mapping", at: start,
                Words(
                    "A blueprint consists of keys and values.",
                    de: "Ein Bauplan besteht aus Schlüsseln und Werten."),
                remedy: Words(
                    "Begin with \"institution: NAME\", or let \"zwilling init\" write one.",
                    de: "Mit „institution: NAME“ beginnen oder „zwilling init“ einen schreiben lassen."
                ))
        } catch {
            findings.error(
                "not-yaml", at: error.place,
                Words("This is not YAML: \(error.text).", de: "Das ist kein YAML: \(error.text)."),
                remedy: Words(
                    "Look at the indentation, colons and quotes here and in the line above.",
                    de: "Einrückung, Doppelpunkte und Anführungszeichen hier und in der Zeile darüber ansehen."
                ))
        }
        return nil
    }

    private static func firstForeign(_ bytes: [UInt8], _ name: String) -> Place {
        var parser = Unicode.UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var (line, column) = (1, 1)
        while case .valid(let scalar) = parser.parseScalar(from: &input) {
            column += 1
            if scalar.first == 0x0a { (line, column) = (line + 1, 1) }
        }
        return Place(file: name, line: line, column: column)
    }

    // MARK: Files

    private static func files(
        of institution: Institution, _ findings: Findings, _ load: (String) -> [UInt8]?
    ) -> [String] {
        institution.services.compactMap(\.process).compactMap { file in
            let steps = file.value.split(separator: "/", omittingEmptySubsequences: false)
            guard !steps.contains(where: { ["", ".", ".."].contains($0) }) else {
                findings.error(
                    "file-elsewhere", at: file.place,
                    Words(
                        "\"\(file.value)\" does not lie beside the blueprint.",
                        de: "„\(file.value)“ liegt nicht neben dem Bauplan."),
                    remedy: Words(
                        "Put it there, and name it by a path without \"..\" and not from \"/\" on.",
                        de: "Sie dorthin legen und ohne „..“ und nicht von „/“ an nennen."))
                return nil
            }
            guard load(file.value) != nil else {
                findings.error(
                    "file-missing", at: file.place,
                    Words("There is no file \"\(file.value)\".", de: "Die Datei „\(file.value)“ gibt es nicht."),
                    remedy: Words("Put it beside the blueprint.", de: "Sie neben den Bauplan legen."))
                return nil
            }
            return file.value
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The files that a blueprint names: they lie beside it, and are captured with it.
struct Beside {
    /// Each once, in the order in which they are named.
    private(set) var names: [String] = []
    private let findings: Findings
    private let load: (String) -> [UInt8]?

    init(_ findings: Findings, _ load: @escaping (String) -> [UInt8]?) {
        (self.findings, self.load) = (findings, load)
    }

    /// What the files say that tell of structures.
    mutating func structures(of institution: Institution?) -> [Directory] {
        var all: [Directory] = []
        for file in institution?.structureFiles ?? [] {
            guard let bytes = content(of: file),
                let directory = Directory(bytes, named: file, findings)
            else { continue }
            all.append(directory)
        }
        return all
    }

    mutating func look(at institution: Institution) {
        for file in institution.applications.flatMap({ $0.configuration?.files ?? [] }) {
            _ = content(of: file.from)
        }
        if let policy = institution.imagePolicy { _ = content(of: policy) }
        for process in institution.services.compactMap(\.process) {
            let isNew = !names.contains(process.value)
            if let bytes = content(of: process), isNew {
                BPMN.check(bytes, named: process.value, findings)
            }
        }
    }

    private mutating func content(of file: Written<String>) -> [UInt8]? {
        let steps = file.value.split(separator: "/", omittingEmptySubsequences: false)
        guard !steps.contains(where: { ["", ".", ".."].contains($0) }) else {
            findings.error(
                .fileElsewhere, at: file.place,
                Words(
                    "\"\(file.value)\" does not lie beside the blueprint.",
                    de: "„\(file.value)“ liegt nicht neben dem Bauplan."),
                remedy: Words(
                    "Put it there, and name it by a path without \"..\" and not from \"/\" on.",
                    de: "Sie dorthin legen und ohne „..“ und nicht von „/“ an nennen."))
            return nil
        }
        guard let bytes = load(file.value) else {
            findings.error(
                .fileMissing, at: file.place,
                Words(
                    "There is no file \"\(file.value)\" that can be read (up to 4 MiB).",
                    de: "Eine lesbare Datei „\(file.value)“ (bis 4 MiB) gibt es nicht."),
                remedy: Words("Put it beside the blueprint.", de: "Sie neben den Bauplan legen."))
            return nil
        }
        if !names.contains(file.value) { names.append(file.value) }
        return bytes
    }
}

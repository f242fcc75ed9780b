// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Whether a file describes a process in BPMN 2.0 (ISO 19510).
enum BPMN {
    private static let namespace = "http://www.omg.org/spec/BPMN/20100524/MODEL"

    static func check(_ bytes: [UInt8], named name: String, _ findings: Findings) {
        let document: XML
        do throws(Refusal<XML.Fault>) {
            document = try XML.read(bytes, file: name)
        } catch {
            findings.refuse(.notXML, "XML", error)
            return
        }
        guard let root = document.elements.first else { return }
        guard root.namespace == namespace, root.name == "definitions" else {
            findings.error(
                .notBPMN, at: document.place,
                Words(
                    "This is not BPMN 2.0: it begins with \"\(root.name)\" of \"\(root.namespace)\".",
                    de: "Das ist kein BPMN 2.0: Es beginnt mit „\(root.name)“ aus „\(root.namespace)“."),
                remedy: Words(
                    "Export it as BPMN 2.0 XML; an XProzess holds it as a zip in base64.",
                    de: "Als BPMN-2.0-XML exportieren; ein XProzess enthält es als zip in base64."))
            return
        }
        let hasProcess = document.elements.contains {
            $0.depth == 1 && $0.namespace == namespace && $0.name == "process"
        }
        guard !hasProcess else { return }
        findings.add(
            .warning, .noProcess, at: document.place,
            Words("There is no process in it.", de: "Es enthält keinen Prozess."),
            remedy: Words("Is it the right file?", de: "Ist es die richtige Datei?"))
    }
}

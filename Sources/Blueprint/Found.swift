// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Something on this machine that looks like data of an application. Always a guess.
package enum Found: Hashable, Sendable {
    /// A running PostgreSQL cluster: where its data lies, and on which port it listens.
    case postgres(directory: String, port: Int)
    /// A directory in which programs usually keep data.
    case directory(path: String)

    static func text(of found: [Found], _ say: (String, String) -> String) -> [String] {
        guard !found.isEmpty else {
            return [
                say("applications:", "applications:"), say("  - {id: fachverfahren, data: [akten]}", "  - {id: fachverfahren, data: [akten]}"),
                say("data:", "data:"), say("  - {id: akten, kind: files, paths: [/srv/akten], rpo: 1 d}", "  - {id: akten, kind: files, paths: [/srv/akten], rpo: 1 d}"),
            ]
        }
        var lines = ["data:"]
        for (number, one) in found.enumerated() {
            lines.append("  " + say("found here; please confirm", "hier gefunden; bitte prüfen"))
            lines += one.lines(number + 1)
        }
        return lines
    }

    private func lines(_ number: Int) -> [String] {
        switch self {
        case .postgres(_, let port):
            let connection = "host=/var/run/postgresql port=\(port) user=zwilling"
            return [
                "  - id: postgres-\(port)", "    kind: postgres",
                "    connection: \(quoted(connection))", "    rpo: 1 h",
            ]
        case .directory(let path):
            return [
                "  - id: files-\(number)", "    kind: files", "    paths: [\(quoted(path))]",
                "    rpo: 1 d",
            ]
        }
    }
}

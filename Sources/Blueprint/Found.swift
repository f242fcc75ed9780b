// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Something that looks like an application or its data, found on this machine or told in a table.
/// Always a guess, and marked as one in the blueprint that is made of it.
package enum Found: Hashable, Sendable {
    /// A PostgreSQL cluster: where its data lies, where its socket, and on which port it listens,
    /// if it does.
    case postgres(directory: String, version: String, socket: String, port: Int?)
    /// A database server whose own tool writes dumps.
    case mysql(directory: String)
    case container(Container)
    /// A program that listens, without a container.
    case listener(program: String, ports: [Int])
    /// A directory in which programs usually keep data.
    case directory(path: String)
    /// A line of a table about other hosts.
    case told(Told)

    package struct Container: Hashable, Sendable {
        package let name: String
        package let image: String
        /// On the machine.
        package let ports: [Int]
        /// Where what it keeps lies on the machine.
        package var volumes: [String]
        /// Names of its variables: the values may be secrets.
        package let variables: [String]
        /// On the machine, where PostgreSQL's own is published.
        package let databasePort: Int?

        package init(
            name: String, image: String, ports: [Int], volumes: [String], variables: [String],
            databasePort: Int? = nil
        ) {
            (self.name, self.image, self.ports) = (name, image, ports)
            (self.volumes, self.variables) = (volumes, variables)
            self.databasePort = databasePort
        }
    }

    package struct Told: Hashable, Sendable {
        let host: String
        let kind: DataSet.Kind
        /// A path, a connection or a command.
        let place: String
        let application: String?
        let rpo: Span?
        let origin: Place
    }
}

/// The applications and data sets of a first blueprint, as YAML.
struct FoundText {
    private let say: (String, String) -> String
    private var applications: [String] = []
    private var data: [String] = []
    private var ids: Set<String> = []
    /// Data sets of applications that a table names, by application.
    private var told: [(application: String, data: [String])] = []

    /// Of this machine; nil where there is only the one.
    private let host: String?

    /// - Parameter host: this machine's name.
    init(_ found: [Found], on host: String?, _ say: @escaping (String, String) -> String) {
        let isOne = !found.contains { if case .told = $0 { true } else { false } }
        (self.say, self.host) = (say, isOne ? nil : host)
        for one in found { add(one) }
        for (application, data) in told {
            mark(&applications, say("from the table; please check", "aus der Tabelle; bitte prüfen"))
            applications.append("  - {id: \(fresh(application)), data: [\(data.joined(separator: ", "))]}")
        }
    }

    var lines: [String] {
        guard !applications.isEmpty || !data.isEmpty else {
            return [
                say("applications:", "applications:"), say("  - {id: fachverfahren, data: [akten]}", "  - {id: fachverfahren, data: [akten]}"),
                say("data:", "data:"), say("  - {id: akten, kind: files, paths: [/srv/akten], rpo: 1 d}", "  - {id: akten, kind: files, paths: [/srv/akten], rpo: 1 d}"),
            ]
        }
        return (applications.isEmpty ? [] : ["applications:"] + applications)
            + (data.isEmpty ? [] : ["data:"] + data)
    }

    private mutating func add(_ found: Found) {
        switch found {
        case .postgres(let directory, let version, let socket, let port):
            postgres("PostgreSQL \(version), \(directory)", socket, port)
        case .mysql(let directory): mysql(directory)
        case .container(let container): add(container)
        case .listener(let program, let ports):
            mark(&applications, seen("\(program), \(ports.map(String.init).joined(separator: ", "))"))
            applications += [
                "  - id: \(fresh(program))", "    ports: \(ports)", "    health: {tcp: \(ports[0])}",
            ]
        case .directory(let path):
            mark(&data, seen(path))
            _ = files(path, named: path)
        case .told(let told): add(told)
        }
    }

    // MARK: Kinds

    private var hostLine: [String] { host.map { ["    host: \(quoted($0))"] } ?? [] }

    private mutating func postgres(_ what: String, _ socket: String, _ port: Int?) {
        mark(&data, seen(what))
        guard let port else {
            data.append("  " + say("it does not run, or has no port here: nothing can be asked of it", "er läuft nicht oder hat hier keinen Port: Nichts ist von ihm zu erfahren"))
            return
        }
        let connection = "host=\(socket) port=\(port) user=zwilling"
        data += [
            "  - id: \(fresh("postgres-\(port)"))", "    kind: postgres",
            "    connection: \(quoted(connection))", "    rpo: 1 h",
        ] + hostLine
    }

    private mutating func mysql(_ directory: String) {
        mark(&data, seen("MySQL/MariaDB, \(directory)"))
        data += [
            "  - id: \(fresh("mysql"))", "    kind: command",
            "    dump: mysqldump --all-databases --single-transaction", "    load: mysql",
            "    rpo: 1 h",
        ] + hostLine
    }

    private mutating func add(_ container: Found.Container) {
        let id = fresh(container.name)
        var own: [String] = []
        for volume in container.volumes {
            mark(&data, seen("\(container.name): \(volume)"))
            own.append(files(volume, named: "\(id)-\(volume.split(separator: "/").last ?? "data")"))
        }
        mark(&applications, seen("\(container.name), \(container.image)"))
        applications += ["  - id: \(id)", "    image: \(quoted(container.image))"]
        if let port = container.ports.first {
            applications += ["    ports: \(container.ports)", "    health: {tcp: \(port)}"]
        }
        if !own.isEmpty { applications.append("    data: [\(own.joined(separator: ", "))]") }
        guard !container.variables.isEmpty else { return }
        let names = container.variables.map(plain).joined(separator: ", ")
        applications.append("    " + say("its variables, for configuration or secrets: \(names)", "ihre Variablen, für configuration oder secrets: \(names)"))
    }

    private mutating func files(_ path: String, named name: String) -> String {
        let id = fresh(name)
        data += [
            "  - id: \(id)", "    kind: files", "    paths: [\(quoted(path))]", "    rpo: 1 d",
        ] + hostLine
        return id
    }

    private mutating func add(_ row: Found.Told) {
        let id = fresh("\(row.host)-\(row.application ?? row.kind.rawValue)")
        mark(&data, say("from the table, line \(row.origin.line); please check", "aus der Tabelle, Zeile \(row.origin.line); bitte prüfen"))
        data += [
            "  - id: \(id)", "    kind: \(row.kind.rawValue)", "    host: \(quoted(row.host))",
            "    \(row.key): \(row.kind == .files ? "[\(quoted(row.place))]" : quoted(row.place))",
        ]
        if let rpo = row.rpo { data.append("    rpo: \(rpo)") }
        guard let application = row.application else { return }
        guard let known = told.firstIndex(where: { $0.application == application }) else {
            told.append((application, [id]))
            return
        }
        told[known].data.append(id)
    }

    // MARK: Words

    private func mark(_ lines: inout [String], _ comment: String) { lines.append("  " + comment) }

    private func seen(_ what: String) -> String {
        say("found: \(plain(what)); please check", "gefunden: \(plain(what)); bitte prüfen")
    }

    /// An id that nothing else has yet.
    private mutating func fresh(_ name: String) -> String {
        let base = String((slug(name) ?? "x").prefix(58))
        var id = base
        var number = 2
        while id == "blueprint" || !ids.insert(id).inserted {
            id = "\(base)-\(number)"
            number += 1
        }
        return id
    }
}

extension Found.Told {
    /// Under which its place stands.
    fileprivate var key: String {
        switch kind {
        case .files: "paths"
        case .postgres: "connection"
        case .command: "dump"
        case .secret: "file"
        }
    }
}

/// What can stand in a comment: in one line, and nothing that an editor or a terminal obeys.
private func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(quoted(text).unicodeScalars.dropFirst().dropLast()))
}

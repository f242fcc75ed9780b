// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import FoundationEssentials
import Ground

/// What `podman inspect` and `docker inspect` say of a container, as far as it is asked for here.
struct InspectedContainer: Decodable {
    private struct Settings: Decodable {
        let Image: String?
        let Env: [String]?
    }

    private struct Mount: Decodable {
        let `Type`: String?
        let Source: String?
    }

    private struct Binding: Decodable {
        let HostPort: String?
    }

    private struct Host: Decodable {
        let PortBindings: [String: [Binding]?]?
    }

    private let Name: String
    private let Config: Settings?
    private let Mounts: [Mount]?
    private let HostConfig: Host?

    static func all(in bytes: [UInt8], of engine: String) throws(Trouble) -> [Found.Container] {
        do {
            return try JSONDecoder().decode([InspectedContainer].self, from: Data(bytes))
                .map(\.found).sorted { $0.name < $1.name }
        } catch {
            throw Trouble(
                .system,
                Words("\(engine) answers in an unknown way.", de: "\(engine) antwortet auf unbekannte Weise."),
                cause: error)
        }
    }

    /// Variables that images bring along and that say nothing.
    private static let usual = ["PATH", "HOME", "HOSTNAME", "TERM", "LANG", "container"]

    private var found: Found.Container {
        let bound = (HostConfig?.PortBindings ?? [:]).values.compactMap { $0 }.joined()
        // What the machine lends, such as its clock or a socket, is no data of the container.
        let lent = ["/etc/", "/proc", "/sys", "/dev", "/run/", "/var/run/", "/tmp"]
        let sources = (Mounts ?? []).filter { $0.Type != "tmpfs" }.compactMap(\.Source)
        let names = (Config?.Env ?? []).compactMap { $0.split(separator: "=").first.map(String.init) }
        return Found.Container(
            name: Name.hasPrefix("/") ? String(Name.dropFirst()) : Name,
            image: Config?.Image ?? "",
            ports: Set(bound.compactMap { $0.HostPort.flatMap { Int($0) } })
                .filter { (1...65_535).contains($0) }.sorted(),
            volumes: Set(sources).filter { path in
                path.hasPrefix("/") && path != "/" && !lent.contains { path.hasPrefix($0) }
            }.sorted(),
            variables: names.filter { !Self.usual.contains($0) },
            databasePort: (HostConfig?.PortBindings?["5432/tcp"] ?? nil)?.compactMap { $0.HostPort.flatMap { Int($0) } }.first)
    }
}

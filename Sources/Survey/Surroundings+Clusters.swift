// SPDX-License-Identifier: EUPL-1.2

/// A PostgreSQL cluster on this machine.
struct Cluster {
    let directory: String
    let version: String
    /// The directory of its socket, or a host.
    let socket: String
    /// nil where it does not run, or nobody tells.
    let port: Int?
}

extension Surroundings {
    /// From where Debian configures them, from where they usually lie, and from what runs, wherever
    /// its data are.
    func clusters() -> [Cluster] {
        var ports: [String: Int] = [:]
        var directories: Set<String> = []
        for version in names(in: "/etc/postgresql") {
            for name in names(in: "/etc/postgresql/\(version)") {
                let settings = settings(of: "/etc/postgresql/\(version)/\(name)/postgresql.conf")
                guard let directory = settings["data_directory"] else { continue }
                directories.insert(directory)
                ports[directory] = settings["port"].flatMap { Int($0) } ?? 5432
            }
        }
        for version in names(in: "/var/lib/postgresql") {
            for name in names(in: "/var/lib/postgresql/\(version)") {
                directories.insert("/var/lib/postgresql/\(version)/\(name)")
            }
        }
        let running = running()
        directories.formUnion(running)
        return directories.sorted().compactMap { directory in
            guard let version = version(of: directory, isRunning: running.contains(directory))
            else { return nil }
            let own = own(of: directory)
            let usual = running.contains(directory) ? ports[directory] ?? 5432 : nil
            return Cluster(
                directory: directory, version: version,
                socket: own?.socket ?? "/var/run/postgresql", port: own?.port ?? usual)
        }
    }

    /// In a volume of a container: itself, or where images usually have it.
    func cluster(below volume: String) -> (directory: String, version: String)? {
        for below in ["", "/data", "/pgdata"] {
            if let text = text(of: "\(volume)\(below)/PG_VERSION") {
                return (volume + below, text.filter { !$0.isWhitespace })
            }
        }
        return nil
    }

    /// Others than its owner and root may not look into a cluster: then its place has to do.
    private func version(of directory: String, isRunning: Bool) -> String? {
        if let text = text(of: "\(directory)/PG_VERSION") { return text.filter { !$0.isWhitespace } }
        let steps = directory.split(separator: "/").map(String.init)
        let named = steps.first { Int($0) != nil }
        return isRunning || exists(directory) ? named : nil
    }

    /// What a running server writes down itself: the port in the fourth line, the socket's directory
    /// in the fifth. A directory with a blank cannot stand in a connection as it is.
    private func own(of directory: String) -> (socket: String, port: Int)? {
        let lines = text(of: "\(directory)/postmaster.pid")?
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard let lines, lines.count > 4, let port = Int(lines[3]) else { return nil }
        let isPlain = lines[4].hasPrefix("/") && !lines[4].contains { " '\\".contains($0) }
        return (isPlain ? String(lines[4]) : "localhost", port)
    }

    /// Data directories of servers that run: named after -D, or where they stand.
    private func running() -> Set<String> {
        var found: Set<String> = []
        for process in processes {
            let words = (text(of: "/proc/\(process)/cmdline") ?? "").split(separator: "\0")
            let program = words.first?.split(separator: "/").last
            guard program == "postgres" || program == "postmaster" else { continue }
            let named = words.firstIndex(of: "-D").flatMap { words.dropFirst($0 + 1).first }
            let joined = words.first { $0.hasPrefix("-D") && $0.count > 2 }?.dropFirst(2)
            let standing = target(of: "cwd", in: "/proc/\(process)")
            let directory = (named ?? joined).map { absolute($0, from: standing) } ?? standing
            // One that only a container sees lies elsewhere here, and counts as the container's.
            if let directory, directory.hasPrefix("/"), exists(directory) { found.insert(directory) }
        }
        return found
    }

    /// A server goes into its data directory when it starts, so what was named from where it was
    /// started usually leads nowhere from there: where it stands is then the answer.
    private func absolute(_ path: Substring, from standing: String?) -> String? {
        guard !path.hasPrefix("/"), let standing else { return String(path) }
        let below = "\(standing)/\(path)"
        return exists("\(below)/PG_VERSION") ? below : standing
    }

    /// `name = value` a line, as in postgresql.conf.
    private func settings(of file: String) -> [String: String] {
        var settings: [String: String] = [:]
        for line in (text(of: file) ?? "").split(separator: "\n") where !line.hasPrefix("#") {
            let bare = line.prefix { $0 != "#" }
            let parts = bare.split(whereSeparator: { $0 == "=" || $0 == " " || $0 == "\t" })
            guard parts.count >= 2 else { continue }
            settings[String(parts[0])] = parts[1].filter { $0 != "'" }
        }
        return settings
    }
}

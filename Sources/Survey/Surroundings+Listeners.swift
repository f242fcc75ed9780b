// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A program and the ports on which it takes connections.
struct Listener {
    let program: String
    let ports: [Int]
}

extension Surroundings {
    /// What every system runs for itself, and what only hands connections to containers.
    private static let ownOfSystem: Set = [
        "sshd", "systemd", "systemd-resolve", "systemd-resolved", "cupsd", "chronyd", "ntpd", "rpcbind", "avahi-daemon",
        "dnsmasq", "containerd", "dockerd", "docker-proxy", "conmon", "rootlessport", "pasta",
        "slirp4netns", "exim4", "master", "postgres", "dhclient", "zwilling", "init", "rpc.statd",
    ]

    func listeners(_ unseen: inout [Words]) -> [Listener] {
        var ports: [String: Int] = [:]
        for table in ["tcp", "tcp6"] {
            for (inode, port) in Self.listening(text(of: "/proc/net/\(table)") ?? "") {
                ports[inode] = port
            }
        }
        var found: [String: Set<Int>] = [:]
        for process in processes {
            let sockets = names(in: "/proc/\(process)/fd").compactMap { name in
                target(of: name, in: "/proc/\(process)/fd").flatMap(Self.inode)
            }
            let own = sockets.compactMap { ports[$0] }
            guard !own.isEmpty else { continue }
            for socket in sockets { ports[socket] = nil }
            let program = (text(of: "/proc/\(process)/comm") ?? "").filter { !$0.isNewline }
            if !Self.ownOfSystem.contains(program) { found[program, default: []].formUnion(own) }
        }
        if !ports.isEmpty {
            let left = Set(ports.values).sorted().map(String.init).joined(separator: ", ")
            unseen.append(
                Words(
                    "Which programs listen on ports \(left): this user may not look.",
                    de: "Welche Programme auf den Ports \(left) hören: Das darf dieser Benutzer nicht sehen."))
        }
        return found.sorted { $0.key < $1.key }.map {
            Listener(program: $0.key, ports: $0.value.sorted())
        }
    }

    /// Sockets by inode from /proc/net/tcp (proc(5)): state 0A listens; the local address is the
    /// second column, its port in hex after the colon; the inode is the tenth.
    static func listening(_ table: String) -> [(inode: String, port: Int)] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count > 9, columns[3] == "0A",
                let digits = columns[1].split(separator: ":").last,
                let port = Int(digits, radix: 16), (1...65_535).contains(port)
            else { return nil }
            return (String(columns[9]), port)
        }
    }

    private static func inode(_ target: String) -> String? {
        guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
        return String(target.dropFirst("socket:[".count).dropLast())
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs

/// A network of its own that leads nowhere: a network namespace with nothing but loopback, held by
/// a process that sleeps (network_namespaces(7)).
package struct Isolation: Sendable {
    package let process: Int32

    /// Of a command that shall see that network and no other.
    package var prefix: [String] {
        ["nsenter", "--target", "\(process)", "--net"] + (Machine.isRoot ? [] : ["--user", "--preserve-credentials"]) + ["--"]
    }

    /// - Parameter name: by which the process that holds it can be found.
    package static func make(_ name: String) async throws(Trouble) -> Isolation {
        let own = Machine.isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"]
        let line = "ip link set lo up && echo $$ && exec sleep infinity </dev/null >/dev/null 2>&1"
        let said = try await Program(
            ["/bin/sh", "-c", "exec setsid --fork \"$@\"", name, "unshare"] + own + ["--net", "/bin/sh", "-c", line, name],
            timeout: .seconds(30)
        ).output(upTo: 100)
        guard let process = Int32(String(decoding: said, as: UTF8.self).filter(\.isNumber)) else { throw .noIsolation }
        return Isolation(process: process)
    }

    /// Ends it; the network goes with its last process.
    package func end() { Machine.askToStop(process) }
}

extension Trouble {
    fileprivate static let noIsolation = Trouble(
        .system,
        Words("No network of its own can be made for the drill.", de: "Für die Übung lässt sich kein eigenes Netz anlegen."),
        advice: Words(
            "It takes root, or a system that lets users have namespaces (user.max_user_namespaces).",
            de: "Das braucht root, oder ein System, das Benutzern Namensräume erlaubt (user.max_user_namespaces)."))
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs

/// A network of its own that leads nowhere: a network namespace with nothing but loopback, held by
/// a process that sleeps (network_namespaces(7)).
package struct Isolation: Sendable {
    package let process: Int32

    /// Of a command that shall see that network and no other.
    ///
    /// - Parameter withFiles: whether it also sees files as they are there. Only root can have that.
    func prefix(withFiles: Bool) -> [String] {
        ["nsenter", "--target", "\(process)", "--net"]
            + (Machine.isRoot ? (withFiles ? ["--mount"] : []) : ["--user", "--preserve-credentials"]) + ["--"]
    }

    private static let startMilliseconds = 10_000

    /// - Parameters:
    ///   - name: by which the process that holds it can be found.
    ///   - mark: a file that is to hold its number.
    ///   - originals: directories that nothing there may change. The sockets in /run are not seen there
    ///     either: they lead to servers of this machine, whatever the network.
    package static func make(
        _ name: String, _ mark: [UInt8], sparing originals: [String] = []
    ) async throws(Trouble) -> Isolation {
        let own = Machine.isRoot ? ["--mount"] : ["--user", "--map-current-user", "--keep-caps"]
        let files = """
            mount -t tmpfs tmpfs /run || exit 1
            for original in "$@"
            do if [ -d "$original" ]; then mount --rbind "$original" "$original" && mount -o remount,bind,ro "$original" || exit 1; fi
            done

            """
        let line = "mark=$1; shift; ip link set lo up || exit 1\n" + (Machine.isRoot ? files : "")
            + "echo $$ >\"$mark\" && exec sleep infinity"
        let path = String(decoding: mark, as: UTF8.self)
        _ = try await Program(
            ["/bin/sh", "-c", "exec setsid --fork \"$@\" </dev/null >/dev/null 2>&1", name, "unshare"] + own
                + ["--net", "/bin/sh", "-c", line, name, path] + originals,
            timeout: .seconds(30)
        ).output(upTo: 100)
        for _ in 0..<startMilliseconds / 20 {
            if let process = noted(mark) { return Isolation(process: process) }
            Machine.pause(milliseconds: 20)
        }
        throw .noIsolation
    }

    /// nil where it is not written yet.
    private static func noted(_ mark: [UInt8]) -> Int32? {
        do throws(SystemError) {
            let text = String(decoding: try Machine.readWhole(mark, upTo: 20), as: UTF8.self)
            return text.hasSuffix("\n") ? Int32(text.dropLast()) : nil
        } catch { return nil }
    }

    /// The one that is noted there, if a drill has left one behind.
    package static func end(noted mark: [UInt8]) {
        guard let process = noted(mark), Machine.commandName(process) == "sleep" else { return }
        Isolation(process: process).end()
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

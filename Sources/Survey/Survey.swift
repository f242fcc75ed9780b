// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground

/// Survey looks around on a machine for what a first blueprint could name. It changes nothing,
/// every answer is a guess, and what it may not look at is said.
package struct Survey {
    /// Asks another program, and hands out what it said.
    package typealias Ask = @Sendable (_ arguments: [String]) async throws(Trouble) -> [UInt8]

    let machine: Surroundings
    private let ask: Ask

    /// - Parameter root: "/" but in tests.
    package init(root: String = "/", ask: @escaping Ask) {
        machine = Surroundings(root: root)
        self.ask = ask
    }

    /// What was found, and what could not be looked at.
    package func run() async -> (found: [Found], unseen: [Words]) {
        var unseen: [Words] = []
        let clusters = machine.clusters()
        let containers = await containers(&unseen)
        let listeners = machine.listeners(&unseen)
        let held = containers.flatMap(\.ports) + clusters.compactMap(\.port)
        var found = clusters.map {
            Found.postgres(
                directory: $0.directory, version: $0.version, socket: $0.socket, port: $0.port)
        }
        for var container in containers {
            // Files of a cluster at work are no copy of it.
            let own = container.volumes.compactMap { volume in machine.cluster(below: volume).map { (volume, $0) } }
            container.volumes.removeAll { volume in own.contains { $0.0 == volume } }
            found.append(.container(container))
            found += own.map { _, cluster in
                .postgres(
                    directory: cluster.directory, version: cluster.version, socket: "localhost", port: container.databasePort)
            }
        }
        found += listeners.compactMap { listener in
            let ports = listener.ports.filter { !held.contains($0) }
            return ports.isEmpty ? nil : .listener(program: listener.program, ports: ports)
        }
        let known = clusters.map(\.directory) + containers.flatMap(\.volumes)
        found += machine.directories(without: known)
        return (found, unseen)
    }

    // MARK: Containers

    /// Both speak the same language where they describe containers.
    private static let engines = ["podman", "docker"]

    private func containers(_ unseen: inout [Words]) async -> [Found.Container] {
        var all: [Found.Container] = []
        for engine in Self.engines where machine.hasProgram(engine) {
            do throws(Trouble) {
                let listed = try await ask([engine, "ps", "--all", "--quiet", "--no-trunc"])
                let ids = String(decoding: listed, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                if ids.isEmpty { continue }
                let told = try await ask([engine, "inspect", "--type", "container"] + ids.map(String.init))
                all += try InspectedContainer.all(in: told, of: engine)
            } catch {
                unseen.append(
                    Words(
                        "Containers of \(engine): \(error.message.english)",
                        de: "Container von \(engine): \(error.message.german)"))
            }
        }
        // Docker may be Podman under another name.
        var names: Set<String> = []
        return all.filter { names.insert($0.name).inserted }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Vault

/// The blueprint as the vault has it, with the files that it names.
package struct StoredBlueprint: Sendable {
    package let institution: Institution
    /// The name of the blueprint itself among its files.
    package let name: String
    private let files: [(name: String, bytes: [UInt8])]

    private static let usualName = "institution.yaml"

    /// - Parameter moment: the newest from then, or else the first one after it; the newest of all
    ///   where nil.
    /// - Returns: nil where the vault has none.
    package init?(_ vault: OpenVault, at moment: Moment?) async throws(Trouble) {
        let all = vault.observed.snapshots.filter { $0.body.source == .blueprint }
            .sorted { $0.body.begun < $1.body.begun }
        let found = moment.map { moment in all.last { $0.body.begun <= moment } ?? all.first } ?? all.last
        guard let found else { return nil }
        try self.init(try await vault.contents(of: found, upTo: Blueprint.bytesMax))
    }

    package init(_ files: [(name: String, bytes: [UInt8])]) throws(Trouble) {
        self.files = files
        // It may have any name, and stands beside the files that it names.
        let beside = files.filter { !$0.name.contains("/") }
        for file in beside.filter({ $0.name == Self.usualName }) + beside {
            let (read, _) = Blueprint.read(file.bytes, name: file.name) { name in files.first { $0.name == name }?.bytes }
            guard let read else { continue }
            (institution, name) = (read.institution, file.name)
            return
        }
        throw .brokenBlueprint
    }

    /// Whether the same lies there.
    package func lies(in place: ActivationPlace) -> Bool {
        files.allSatisfy { file in
            do throws(SystemError) {
                return try Machine.readWhole(place.part(.blueprint, file.name), upTo: file.bytes.count + 1) == file.bytes
            } catch { return false }
        }
    }

    /// Lays it where programs that are started find the files that it names.
    package func lay(into place: ActivationPlace) throws(Trouble) {
        for file in files {
            let steps = file.name.split(separator: "/").map(String.init)
            // Its own reader refuses such names; still, nothing is written elsewhere.
            guard !steps.isEmpty, !steps.contains(where: { [".", ".."].contains($0) }) else { continue }
            let path = place.part(.blueprint, steps.joined(separator: "/"))
            do throws(SystemError) {
                let folder = path.prefix(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)
                try Machine.makeDirectories(Array(folder), permissions: 0o755)
                try Machine.writeDurably(path, file.bytes, permissions: 0o644)
            } catch { throw error.trouble(Words("Cannot write", de: "Lässt sich nicht schreiben:")) }
        }
    }
}

extension Trouble {
    fileprivate static let brokenBlueprint = Trouble(
        .damaged,
        Words("The blueprint in the vault cannot be read.", de: "Der Bauplan im Tresor ist nicht lesbar."),
        advice: Words("Name another with -f FILE.", de: "Mit -f DATEI einen anderen nennen."))
}

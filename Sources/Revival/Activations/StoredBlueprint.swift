// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
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

    /// - Parameter moment: the newest from then; the newest of all where nil.
    package init(_ vault: OpenVault, at moment: Moment?) async throws(Trouble) {
        let all = vault.observed.snapshots.filter { fact in
            fact.body.dataSet == DataSetCapture.blueprint && (moment.map { fact.body.begun <= $0 } ?? true)
        }
        guard let newest = all.max(by: { $0.body.begun < $1.body.begun }) else { throw .noBlueprint }
        let read = try await SmallTree.read(vault, newest, upTo: Blueprint.bytesMax)
        let files = read.sorted { $0.key < $1.key }.map { (name: $0.key, bytes: $0.value) }
        try self.init(files)
    }

    package init(_ files: [(name: String, bytes: [UInt8])]) throws(Trouble) {
        self.files = files
        let yaml = files.filter { $0.name.hasSuffix(".yaml") || $0.name.hasSuffix(".yml") }
        let main = yaml.first { $0.name == Self.usualName } ?? yaml.first
        guard let main,
            let read = Blueprint.read(
                main.bytes, name: main.name, load: { name in files.first { $0.name == name }?.bytes }
            ).blueprint
        else { throw .brokenBlueprint }
        institution = read.institution
        name = main.name
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
    fileprivate static let noBlueprint = Trouble(
        .missing,
        Words("The vault has no blueprint.", de: "Der Tresor hat keinen Bauplan."),
        advice: Words("Name one with -f FILE.", de: "Mit -f DATEI einen nennen."))
    fileprivate static let brokenBlueprint = Trouble(
        .damaged,
        Words("The blueprint in the vault cannot be read.", de: "Der Bauplan im Tresor ist nicht lesbar."),
        advice: Words("Name another with -f FILE.", de: "Mit -f DATEI einen anderen nennen."))
}

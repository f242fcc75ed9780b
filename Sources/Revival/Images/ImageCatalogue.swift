// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Vault

/// The index and the manifests of captured images: enough to know whether a store has them all,
/// without bringing their layers back.
struct ImageCatalogue: Sendable {
    private let vault: OpenVault
    private let snapshot: Observed.Fact

    init(_ vault: OpenVault, _ snapshot: Observed.Fact) { (self.vault, self.snapshot) = (vault, snapshot) }

    /// - Parameter folder: a directory of its own, which goes again.
    func isLoaded(by folder: [UInt8]) async throws(Trouble) -> Bool {
        let tree = try await TreeReader(vault, snapshot, .stretches)
        let small = try await tree.files().filter { file in
            file.chunks.reduce(0) { $0 + Int($1.bytes) } <= ImageManifest.bytesMax
        }
        var options = RestoreOptions()
        options.include = Exclusion(
            small.compactMap { file in
                do throws(PatternFault) { return try Pattern(line: Array("/".utf8) + slashed(file.path).dropFirst()) } catch {
                    // Such a name is none of an image's.
                    return nil
                }
            })
        _ = try await Restore(vault, snapshot, options: options).run(to: folder) { _ in }
        return try await ImageLayout(at: folder).isLoaded()
    }
}

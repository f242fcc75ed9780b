// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Programs
import Vault

/// A snapshot with one file → a program's standard input: what a dump tool said goes back into its
/// load tool without lying anywhere in between.
package struct Load: Sendable {
    private let vault: OpenVault
    private let snapshot: Observed.Fact

    package init(_ vault: OpenVault, _ snapshot: Observed.Fact) {
        (self.vault, self.snapshot) = (vault, snapshot)
    }

    /// - Returns: how many bytes the program has taken.
    /// - Throws: where the snapshot is no single file, a chunk of it is damaged, or the program
    ///   ends with anything but exit code 0.
    package func run(_ program: Program) async throws(Trouble) -> UInt64 {
        let tree = try await TreeReader(vault, snapshot, .whole)
        let chunks = try await chunks(of: tree)
        try await program.fed { input async throws(Trouble) in
            let reader = tree.chunkReader()
            for chunk in chunks { try await input.write(try await reader.read(chunk, .data)) }
        }
        return chunks.reduce(0) { $0 + UInt64($1.bytes) }
    }

    private func chunks(of tree: TreeReader) async throws(Trouble) -> [ChunkReference] {
        let files = try await tree.files()
        guard files.count == 1, let file = files.first, file.isPlain else {
            throw Trouble(
                .wrongUse,
                Words(
                    "Snapshot \(snapshot.id.short) is not the output of one command.",
                    de: "Sicherungsstand \(snapshot.id.short) ist nicht die Ausgabe eines Befehls."),
                advice: Words(
                    "Bring it back as files, with --to DIR.",
                    de: "Ihn mit --to VERZ als Dateien zurückholen."))
        }
        return file.chunks
    }
}

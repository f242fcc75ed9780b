// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// The tree of one snapshot, read section by section.
package struct TreeReader: Sendable {
    let vault: OpenVault
    let index: ChunkIndex
    let windows: PackWindows
    let sections: [SectionReference]

    package init(
        _ vault: OpenVault, _ snapshot: Observed.Fact, width: Int = 2,
        _ reading: PackWindows.Reading = .stretches
    ) async throws(Trouble) {
        self.vault = vault
        index = await vault.index(of: snapshot, width: width)
        windows = PackWindows(site: vault.vault.site, reading)
        let reader = ChunkReader(index, windows, site: vault.vault.site.label)
        do throws(Trouble) {
            sections = try await vault.sections(of: snapshot, reader)
        } catch { throw await vault.explained(error, of: snapshot) }
    }

    func chunkReader() -> ChunkReader {
        ChunkReader(index, windows, site: vault.vault.site.label)
    }

    /// Sections that may hold something at or below `path`, or on the way to it.
    func sections(below path: TreePath) -> [SectionReference] {
        guard !path.isEmpty else { return sections }
        return sections.filter { section in
            // One ends where the next begins. What is below stands right behind the path itself.
            if let next = section.next, !treePrecedes(path, next) { return false }
            return !treePrecedes(path, section.first) || section.first.starts(with: path)
        }
    }

    /// Every entry at or below `path`, in tree order, until `body` says false.
    package func forEach(
        below path: TreePath = [], _ body: (TreePath, Entry) -> Bool
    ) async throws(Trouble) {
        let reader = chunkReader()
        for reference in sections(below: path) {
            let section = try await vault.section(reference, reader)
            var goesOn = true
            section.forEach { place, entry in
                if goesOn, place.starts(with: path) { goesOn = body(place, entry) }
            }
            if !goesOn { return }
        }
    }
}

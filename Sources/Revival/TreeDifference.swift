// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// One path at which two snapshots differ.
package struct TreeDifference: Sendable {
    package enum Change: String, Sendable {
        case added
        case removed
        /// The bytes of a file, or the target of a link.
        case content
        /// Owner, permissions, times, extended attributes.
        case attributes
        /// A file became a directory, or the like.
        case kind
    }

    package let path: TreePath
    package let change: Change
    package let old: Entry?
    package let new: Entry?
}

extension TreeReader {
    /// What changed from one snapshot to another, in tree order. Sections that both share are not
    /// even read.
    package static func differences(
        from old: TreeReader, to new: TreeReader, _ body: (TreeDifference) -> Void
    ) async throws(Trouble) {
        let shared = Set(old.sections.map(\.chunk.id))
            .intersection(new.sections.map(\.chunk.id))
        var before = Walk(old, without: shared)
        var after = Walk(new, without: shared)
        var one = try await before.next()
        var two = try await after.next()
        while one != nil || two != nil {
            if let left = one, two.map({ treePrecedes(left.path, $0.path) }) ?? true {
                body(.init(path: left.path, change: .removed, old: left.entry, new: nil))
                one = try await before.next()
            } else if let right = two, one.map({ treePrecedes(right.path, $0.path) }) ?? true {
                body(.init(path: right.path, change: .added, old: nil, new: right.entry))
                two = try await after.next()
            } else if let left = one, let right = two {
                if let change = change(left, right) {
                    body(
                        .init(
                            path: left.path, change: change, old: left.entry, new: right.entry))
                }
                one = try await before.next()
                two = try await after.next()
            }
        }
    }

    private static func change(_ old: Walk.Place, _ new: Walk.Place) -> TreeDifference.Change? {
        if old.entry.kind != new.entry.kind { return .kind }
        if old.entry.target != new.entry.target { return .content }
        // A neighbour that changes moves a small file within its group, or into another chunk, so
        // its place says little: it is the same while size and modification time are.
        let isSmall = old.isSlice && new.isSlice
        let isSame =
            old.content == new.content
            || isSmall && old.entry.content.size == new.entry.content.size
                && old.entry.modified == new.entry.modified
        if !isSame { return .content }
        return old.attributes == new.attributes ? nil : .attributes
    }

    /// Goes through the entries of a snapshot one by one.
    private struct Walk {
        struct Place {
            let path: TreePath
            let entry: Entry
            /// The content by ids, since numbers mean nothing outside their section.
            let content: [Piece]
            let attributes: [Piece]

            var isSlice: Bool {
                if case .slice = entry.content.stream { return true }
                return false
            }
        }

        enum Piece: Hashable {
            case size(UInt64)
            case region(Content.Region)
            case chunk(Digest)
            case offset(Int)
            case entry(Entry)
        }

        private let tree: TreeReader
        private let reader: ChunkReader
        private var sections: ArraySlice<SectionReference>
        private var places: ArraySlice<Place> = []

        init(_ tree: TreeReader, without shared: Set<Digest>) {
            self.tree = tree
            reader = tree.chunkReader()
            sections = tree.sections.filter { !shared.contains($0.chunk.id) }[...]
        }

        mutating func next() async throws(Trouble) -> Place? {
            while places.isEmpty {
                guard let reference = sections.popFirst() else { return nil }
                let section = try await tree.vault.section(reference, reader)
                var found: [Place] = []
                section.forEach { path, entry in
                    found.append(Self.place(path, entry, section.chunks))
                }
                places = found[...]
            }
            return places.popFirst()
        }

        private static func place(
            _ path: TreePath, _ entry: Entry, _ chunks: [ChunkReference]
        ) -> Place {
            var content: [Piece] = [.size(entry.content.size)]
            content += (entry.content.regions ?? []).map(Piece.region)
            switch entry.content.stream {
            case .empty: break
            case .slice(let number, let offset):
                content += [.chunk(chunks[number].id), .offset(offset)]
            case .chunks(let numbers), .lists(let numbers):
                content += numbers.map { .chunk(chunks[$0].id) }
            }
            var bare = entry
            bare.content = Content(size: 0, regions: nil, stream: .empty)
            bare.target = []
            // The numbers of a link mean nothing in another copy; that there are several names does.
            bare.link = entry.link.map { _ in .init(device: 0, inode: 0) }
            var attributes: [Piece] = []
            if case .chunk(let number) = entry.attributes {
                attributes.append(.chunk(chunks[number].id))
                bare.attributes = .here([])
            }
            attributes.append(.entry(bare))
            return Place(path: path, entry: entry, content: content, attributes: attributes)
        }
    }
}

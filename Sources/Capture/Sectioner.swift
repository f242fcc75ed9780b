// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// Cuts the walk into sections where the names say so (docs/format.md, section 9). Directories
/// that only lead to a protected path have sections of their own: they may be busy, like /tmp, and
/// what is protected should not look changed because of that.
struct Sectioner {
    private var items: [Scan.Item] = []
    private var nameBytes = 0
    private var made = 0

    /// Adds an entry; gives the section that it ended, if it ended one.
    mutating func add(_ item: Scan.Item, domain: Domain) -> SectionDraft? {
        let isOther = items.last.map { $0.isLeading != item.isLeading } ?? false
        let isFull =
            isOther || items.count >= Limits.sectionEntriesMax || nameBytes >= Limits.sectionNameBytesMax
            || (items.count >= Limits.sectionEntriesMin && domain.border(item.name).endsSection)
        let ended = isFull ? finish() : nil
        items.append(item)
        nameBytes += item.name.count
        if item.status.kind == .symlink { nameBytes += Int(item.status.size) }
        return ended
    }

    mutating func finish() -> SectionDraft? {
        guard !items.isEmpty else { return nil }
        defer {
            items = []
            nameBytes = 0
            made += 1
        }
        return SectionDraft(number: made, items: items)
    }
}

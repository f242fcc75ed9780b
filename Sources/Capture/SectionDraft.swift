// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// A run of entries that will be one section.
struct SectionDraft: Sendable {
    let number: Int
    let items: [Scan.Item]
}

extension SectionDraft {
    func path(_ item: Int) -> TreePath { items[item].directory + [items[item].name] }

    /// Drawn from all that a unit would read; nil for a piece of a file, which has none.
    func fingerprint(of work: Unit.Work) -> Digest? {
        var fingerprint = Fingerprint("content")
        switch work {
        case .group(let members): for member in members { fingerprint.add(content: items[member]) }
        case .file(let item): fingerprint.add(content: items[item])
        case .segment(let item, let number):
            guard number == 0 else { return nil }
            fingerprint.add(content: items[item])
        case .names: return nil
        }
        return fingerprint.finish()
    }
}

extension FileStatus {
    /// Bytes that must be read: holes need not.
    var occupiedBytes: UInt64 { UInt64(max(0, min(size, allocatedBytes))) }

    /// What a file with several names is known by.
    var fileLink: Entry.Link? {
        kind == .file && links > 1 ? Entry.Link(device: device, inode: inode) : nil
    }
}

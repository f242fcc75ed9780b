// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// A piece of a section that one worker reads by itself.
struct Unit: Sendable {
    enum Work: Sendable {
        /// Small files that become one chunk: places of their items in the section.
        case group([Int])
        /// A file of its own.
        case file(Int)
        /// One of several segments of a large file.
        case segment(Int, number: Int)
        /// Nothing to read: the section has only names.
        case names
    }

    let section: SectionJob
    let work: Work
}

extension SectionDraft {
    /// Cuts the regular files of a section into units, in order. Which files form a group depends
    /// on names and sizes only.
    func units(for job: SectionJob, domain: Domain) -> [Unit.Work] {
        var works: [Unit.Work] = []
        var group: [Int] = []
        var groupBytes = 0
        func endGroup() {
            if !group.isEmpty { works.append(.group(group)) }
            group = []
            groupBytes = 0
        }
        for (index, item) in items.enumerated() where item.status.kind == .file {
            let status = item.status
            guard status.size > 0 else { continue }
            guard status.isSmall else {
                let segments = status.segments
                for number in 0..<segments {
                    works.append(segments == 1 ? .file(index) : .segment(index, number: number))
                }
                continue
            }
            let size = Int(status.size)
            if groupBytes + size > Limits.groupBytesMax
                || (groupBytes >= Limits.groupBytesMin && domain.border(item.name).endsGroup)
            {
                endGroup()
            }
            group.append(index)
            groupBytes += size
        }
        endGroup()
        return works.isEmpty ? [.names] : works
    }
}

extension FileStatus {
    /// Fewer blocks than the size needs: it has holes, or its file system stores it packed.
    var mayHaveHoles: Bool { allocatedBytes < size }

    /// Some FUSE file systems claim any number of blocks.
    var allocatedBytes: Int64 {
        let (bytes, overflows) = blocks.multipliedReportingOverflow(by: 512)
        return overflows ? .max : bytes
    }

    /// Whether it goes into a group. One with several names does not: it is a chunk of its own, so
    /// that all its names share it wherever they stand.
    var isSmall: Bool { size < Int64(Limits.smallFileBytes) && links == 1 && !mayHaveHoles }

    /// Into how many pieces it is cut for several workers. Holes are read as one, since their
    /// places decide where the stream is cut.
    var segments: Int {
        guard !mayHaveHoles else { return 1 }
        return max(1, (Int(size) + Limits.segmentBytes - 1) / Limits.segmentBytes)
    }

    /// Whether it is still the same content, as far as Linux tells.
    func isUnchanged(since other: FileStatus) -> Bool {
        size == other.size && modified == other.modified && changed == other.changed
            && inode == other.inode
    }
}

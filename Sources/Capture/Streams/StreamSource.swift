// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// An original that gives its data as a stream instead of as files that can be looked at: a
/// database, a program's output, a secret.
///
/// What it gives becomes a tree like any other, so that looking, comparing, verifying and restoring
/// are the same for all kinds. Every kind must pass the conformance suite in `Tests/Capture`.
package protocol StreamSource: Sendable {
    /// Brings some more into the batch, and may wait for it: it is called on a thread of its own,
    /// never twice at once. False when everything has come and is known to be whole.
    ///
    /// - Throws: whatever shows that not everything came. Then there will be no snapshot.
    func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool
}

/// A file, directory or link that a source brings; the bytes of a file follow.
package struct StreamedEntry: Sendable {
    /// How its content is cut into chunks.
    package enum Cutting: Sendable {
        /// Where the content says so: an insertion costs what it inserts.
        case byContent
        /// At every multiple of so many bytes: for what changes in place, such as database pages.
        case inBlocks(bytes: Int)
    }

    package let path: TreePath
    /// Its size is what follows, whatever it says.
    package var status: FileStatus
    package var target: [UInt8] = []
    package var cutting = Cutting.byContent

    package init(_ path: TreePath, _ status: FileStatus) {
        (self.path, self.status) = (path, status)
    }

    /// One without a file behind it.
    package init(
        _ path: TreePath, kind: FileKind = .file, permissions: UInt16, modified: Moment
    ) {
        self.init(
            path,
            FileStatus(
                kind: kind, permissions: permissions, links: 1, user: 0, group: 0, size: 0,
                blocks: 0, device: 0, inode: 0, major: 0, minor: 0, modified: modified,
                changed: modified))
    }
}

/// What a source has brought and nobody has stored yet. Bytes are cut into chunks as they come.
package struct StreamBatch: Sendable {
    struct Chunk: Sendable {
        /// Number of its file, in the order in which files began.
        let file: Int
        let bytes: Range<Int>
    }

    /// Enough that handing it to another worker costs nothing.
    static let bytesWanted = 4 << 20

    /// Its place among the batches of the stream.
    private(set) var number = 0
    private(set) var bytes: [UInt8] = []
    private(set) var chunks: [Chunk] = []
    private(set) var entries: [StreamedEntry] = []

    private let gear: Gear
    private var file = -1
    private var cutting = StreamedEntry.Cutting.byContent
    /// How much of the file has been cut already.
    private var fileBytes = 0
    /// Where the bytes begin that are not cut yet.
    private var uncut = 0

    init(_ gear: Gear) { self.gear = gear }

    var isFull: Bool { uncut >= Self.bytesWanted }

    // MARK: For the source

    /// Begins an entry. The bytes that follow are its content.
    package mutating func begin(_ entry: StreamedEntry) {
        endFile()
        file += 1
        (cutting, fileBytes) = (entry.cutting, 0)
        entries.append(entry)
    }

    package mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
        while let length = nextCut(isLast: false) { cut(length) }
    }

    package mutating func append(_ more: Span<UInt8>) {
        unsafe more.withUnsafeBufferPointer { bytes in
            // Safe because the bytes are copied before the span goes.
            unsafe self.bytes.append(contentsOf: bytes)
        }
        while let length = nextCut(isLast: false) { cut(length) }
    }

    /// The same without what it holds: what stands in for it while somebody else fills it.
    package var emptied: StreamBatch { StreamBatch(gear) }

    // MARK: For the capture

    /// One allocation for all that comes.
    mutating func makeRoom() {
        bytes.reserveCapacity(Self.bytesWanted + 2 * Limits.dataChunkBytesMax)
    }

    mutating func endFile() {
        while let length = nextCut(isLast: true) { cut(length) }
    }

    /// Everything that is cut, to be stored; the rest stays and goes on.
    mutating func takeFull() -> StreamBatch {
        var full = self
        number += 1
        bytes = Array(full.bytes[full.uncut...])
        (chunks, entries, uncut) = ([], [], 0)
        full.bytes.removeSubrange(full.uncut...)
        return full
    }

    private var segmentLeft: Int { Limits.segmentBytes - fileBytes % Limits.segmentBytes }

    /// Length of the next chunk; nil while it takes more bytes to tell, or there are none.
    private func nextCut(isLast: Bool) -> Int? {
        let there = min(bytes.count - uncut, segmentLeft)
        let isEnough: (Int) -> Bool = { isLast ? there > 0 : there >= min($0, segmentLeft) }
        switch cutting {
        case .inBlocks(let size): return isEnough(size) ? min(size, there) : nil
        case .byContent:
            guard isEnough(Limits.dataChunkBytesMax) else { return nil }
            return gear.cut(bytes[uncut..<uncut + there])
        }
    }

    private mutating func cut(_ length: Int) {
        chunks.append(Chunk(file: file, bytes: uncut..<uncut + length))
        uncut += length
        fileBytes += length
    }
}

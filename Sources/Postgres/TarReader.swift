// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Reads a tar archive that comes in pieces of any length, and hands its content on without a
/// copy. Trusts nothing: whatever the bytes are, it hands on entries that lie below one directory,
/// or throws.
package struct TarReader {
    private enum State {
        case header
        case content(left: Int64)
        case padding(left: Int)
        case long(isTarget: Bool, left: Int)
        case end
    }

    /// The longest name or target that Linux takes.
    private static let nameBytesMax = 4096

    private var state = State.header
    private var block: [UInt8] = []
    private var longName: [UInt8]?
    private var longTarget: [UInt8]?
    private var long: [UInt8] = []
    /// Blocks of zeros one after the other; two end the archive.
    private var zeroBlocks = 0
    /// Nothing may lie below these.
    private var symlinks: Set<[UInt8]> = []
    /// Bytes read so far, for errors.
    private var place = 0

    package init() { block.reserveCapacity(TarHeader.blockBytes) }

    package mutating func feed(
        _ bytes: Span<UInt8>, _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        var offset = 0
        while offset < bytes.count {
            let count: Int
            switch state {
            case .header:
                count = min(TarHeader.blockBytes - block.count, bytes.count - offset)
                for index in offset..<offset + count { block.append(bytes[index]) }
                place += count
                if block.count == TarHeader.blockBytes { try takeHeader(&sink) }
            case .content(let left):
                count = Int(min(left, Int64(bytes.count - offset)))
                let piece = bytes.extracting(offset..<offset + count)
                try sinking { () throws(Trouble) in try sink.content(piece) }
                place += count
                if Int64(count) < left { state = .content(left: left - Int64(count)) }
                else { try endContent(&sink) }
            case .padding(let left):
                count = min(left, bytes.count - offset)
                place += count
                state = count < left ? .padding(left: left - count) : .header
            case .long(let isTarget, let left):
                count = min(left, bytes.count - offset)
                for index in offset..<offset + count { long.append(bytes[index]) }
                place += count
                if count < left { state = .long(isTarget: isTarget, left: left - count) }
                else { try endLong(isTarget) }
            case .end:
                count = bytes.count - offset
                for index in offset..<bytes.count where bytes[index] != 0 {
                    throw wrong("something follows the end")
                }
                place += count
            }
            offset += count
        }
    }

    /// Nothing more comes.
    ///
    /// - Parameter mustBeMarked: whether the archive has to end with two blocks of zeros, which
    ///   servers before PostgreSQL 15 do not send.
    package func finish(mustBeMarked: Bool) throws(ServerError) {
        if case .end = state { return }
        guard case .header = state, block.isEmpty, longName == nil, longTarget == nil,
            zeroBlocks == 0, !mustBeMarked
        else { throw wrong("the archive is cut off") }
    }

    private func wrong(_ what: String) -> ServerError { .malformed("tar: \(what)", at: place) }

    private mutating func takeHeader(
        _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        defer { block.removeAll(keepingCapacity: true) }
        if block.allSatisfy({ $0 == 0 }) {
            zeroBlocks += 1
            if zeroBlocks == 2 {
                guard longName == nil, longTarget == nil else { throw wrong("a name of nothing") }
                state = .end
            }
            return
        }
        guard zeroBlocks == 0 else { throw wrong("a block of zeros within the archive") }
        let header: TarHeader
        do { header = try TarHeader(block, at: place - TarHeader.blockBytes) } catch {
            throw .malformed(error)
        }
        switch header.kind {
        case .longName: try beginLong(header, isTarget: false)
        case .longTarget: try beginLong(header, isTarget: true)
        case .entry(let kind): try begin(header, kind, &sink)
        }
    }

    private mutating func begin(
        _ header: TarHeader, _ kind: BackupEntry.Kind, _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        var kind = kind
        if case .symlink(let target) = kind {
            kind = .symlink(target: longTarget ?? target)
            guard longTarget ?? target != [] else { throw wrong("a symlink to nowhere") }
        } else if longTarget != nil { throw wrong("a target of what is no symlink") }
        if kind != .file, header.size != 0 { throw wrong("content of what is no file") }
        let entry = BackupEntry(
            path: try path(longName ?? header.name), kind: kind, mode: header.mode,
            owner: header.owner, group: header.group, modified: header.modified,
            size: header.size)
        (longName, longTarget) = (nil, nil)
        if case .symlink = kind { symlinks.insert(entry.path) }
        try sinking { () throws(Trouble) in try sink.begin(entry) }
        state = .content(left: header.size)
        if header.size == 0 { try endContent(&sink) }
    }

    private mutating func endContent(
        _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        try sinking { () throws(Trouble) in try sink.endEntry() }
        pad()
    }

    /// Content is filled up to whole blocks, which `place` counts.
    private mutating func pad() {
        let over = place % TarHeader.blockBytes
        state = over == 0 ? .header : .padding(left: TarHeader.blockBytes - over)
    }

    private mutating func beginLong(
        _ header: TarHeader, isTarget: Bool
    ) throws(ServerError) {
        guard header.size > 1, header.size <= Self.nameBytesMax,
            (isTarget ? longTarget : longName) == nil
        else { throw wrong("a long name of \(header.size) bytes") }
        long = []
        state = .long(isTarget: isTarget, left: Int(header.size))
    }

    private mutating func endLong(_ isTarget: Bool) throws(ServerError) {
        let text = long.last == 0 ? Array(long.dropLast()) : long
        guard !text.isEmpty, !text.contains(0) else { throw wrong("a long name with a NUL") }
        if isTarget { longTarget = text } else { longName = text }
        pad()
    }

    /// The path without the `./` before and the `/` behind it that PostgreSQL writes.
    private func path(_ name: [UInt8]) throws(ServerError) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        var path = name[...]
        if path.starts(with: [dot, slash]) { path = path.dropFirst(2) }
        if path.last == slash { path = path.dropLast() }
        let steps = path.split(separator: slash, omittingEmptySubsequences: false)
        for step in steps where step.isEmpty || step == [dot] || step == [dot, dot] {
            throw wrong("a path that leads elsewhere")
        }
        for index in path.indices where path[index] == slash {
            guard !symlinks.contains(Array(path[..<index])) else {
                throw wrong("a path through a symlink")
            }
        }
        return Array(path)
    }
}

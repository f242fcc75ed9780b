// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites
import Synchronization

/// Reads stretches of packs and keeps the last few, so that chunks that lie together are fetched
/// together, for all workers. What a site sees are reads at multiples of 256 KiB.
package final class PackWindows: Sendable {
    private struct Window: Sendable {
        let pack: Digest
        let range: Range<Int>
        let bytes: [UInt8]
    }

    private static let windowsMax = 8
    private let site: any Site
    private let stretch: Int
    private let windows = Mutex<[Window]>([])

    /// - Parameter stretch: bytes to fetch at a time; more where much will be read.
    package init(site: any Site, stretch: Int) {
        self.site = site
        self.stretch = stretch
    }

    /// Bytes that hold `range` of a pack, and where it begins in them.
    func bytes(
        of pack: Digest, _ range: Range<Int>, packBytes: Int
    ) async throws(Trouble) -> (bytes: [UInt8], start: Int) {
        let found = windows.withLock { windows -> Window? in
            guard
                let index = windows.firstIndex(where: {
                    $0.pack == pack && $0.range.lowerBound <= range.lowerBound
                        && $0.range.upperBound >= range.upperBound
                })
            else { return nil }
            let window = windows.remove(at: index)
            windows.append(window)
            return window
        }
        if let found { return (found.bytes, range.lowerBound - found.range.lowerBound) }

        let step = Vault.alignment
        let start = range.lowerBound / step * step
        let wanted = max(range.upperBound, start + stretch)
        let end = min(packBytes, (wanted + step - 1) / step * step)
        guard range.upperBound <= end else { throw short(pack) }
        let bytes = try await site.get(packName(pack), in: start..<end)
        guard bytes.count == end - start else { throw short(pack) }
        windows.withLock {
            if $0.count >= Self.windowsMax { $0.removeFirst() }
            $0.append(Window(pack: pack, range: start..<end, bytes: bytes))
        }
        return (bytes, range.lowerBound - start)
    }

    private func short(_ pack: Digest) -> Trouble {
        .damaged(
            packName(pack).text, at: site.label,
            Words("it is too short", de: "es ist zu kurz"))
    }
}

/// Opens chunks for one worker.
package final class ChunkReader {
    private let index: ChunkIndex
    private let windows: PackWindows
    private let site: String
    private let decompressor = Decompressor()
    private var plain: [UInt8] = []

    package init(_ index: ChunkIndex, _ windows: PackWindows, site: String) {
        (self.index, self.windows, self.site) = (index, windows, site)
    }

    /// The plain bytes of a chunk: a view of this reader's buffer, to be let go before the next.
    package func read(
        _ reference: ChunkReference, _ content: PackContent
    ) async throws(Trouble) -> ArraySlice<UInt8> {
        try await read(try index.place(of: reference, content))
    }

    /// A tree chunk of which only the id is known.
    func readTree(_ id: Digest) async throws(Trouble) -> [UInt8] {
        Array(try await read(try index.place(of: id, .tree)))
    }

    private func read(_ place: ChunkIndex.Place) async throws(Trouble) -> ArraySlice<UInt8> {
        let pack = index.packs[place.pack]
        let end = place.offset + Int(place.row.stored) + Sealing.tagBytes
        let (bytes, start) = try await windows.bytes(
            of: pack.front.name, place.offset..<end, packBytes: pack.bytes)
        guard
            open(bytes[start..<start + end - place.offset], place, key: pack.key, pack.front),
            pack.domain.chunkId(of: plain[..<Int(place.row.plain)], pack.front.header.content)
                == place.row.id
        else {
            throw .damaged(
                packName(pack.front.name).text, at: site,
                Words(
                    "chunk \(place.counter) does not open",
                    de: "Stück \(place.counter) öffnet sich nicht"))
        }
        return plain[..<Int(place.row.plain)]
    }

    private func open(
        _ sealed: ArraySlice<UInt8>, _ place: ChunkIndex.Place, key: SymmetricKey,
        _ front: PackFront
    ) -> Bool {
        let row = place.row
        do {
            let opened = try Sealing.open(
                sealed, under: key, counter: place.counter, binding: front.binding + row.id.bytes)
            grow(&plain, to: Int(row.plain))
            if row.isCompressed {
                return decompressor.decompress(opened, into: &plain, plainBytes: Int(row.plain))
            }
            copy(opened, into: &plain, at: 0)
            return true
        } catch { return false }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites
import Synchronization

/// Reads packs, wholly or in stretches, and keeps the last few, so that chunks that lie together
/// are fetched together, for all workers. What a site sees are reads of whole packs, or at
/// multiples of 256 KiB.
package final class PackWindows: Sendable {
    package enum Reading: Sendable {
        /// Much of the vault will be read: whole packs, each proven by the hash that is its name.
        case whole
        /// A little of it: each chunk has to prove itself.
        case stretches
    }

    /// Bytes of a pack.
    struct Window: Sendable {
        let pack: Digest
        let range: Range<Int>
        let bytes: [UInt8]
        /// Whether the hash of the whole pack was checked, so that its chunks need no other proof
        /// of being what a record signed for.
        let isProven: Bool
    }

    /// What lies together in a file was stored by three workers, each into a pack of its own. Two
    /// workers read in different places; what they want again of a pack that has gone comes in
    /// stretches, which costs less than the memory for more packs.
    private static let packsMax = 3
    /// Of larger packs, which more workers wait for.
    private static let farPacksMax = 5
    private static let stretchesMax = 8
    private static let stretchBytes = 1 << 20

    private let site: any Site
    private let reading: Reading

    /// The windows of one kind that were used last.
    private struct Shelf {
        let windowsMax: Int
        private var windows: [Window] = []

        init(_ windowsMax: Int) { self.windowsMax = windowsMax }

        mutating func take(_ pack: Digest, _ range: Range<Int>) -> Window? {
            let index = windows.firstIndex {
                $0.pack == pack && $0.range.lowerBound <= range.lowerBound
                    && $0.range.upperBound >= range.upperBound
            }
            guard let index else { return nil }
            // The one used longest ago goes first.
            windows.append(windows.remove(at: index))
            return windows.last
        }

        /// Lets go of what has been used longest ago, so that so many more have room.
        mutating func makeRoom(for more: Int) {
            windows.removeFirst(min(max(windows.count + more - windowsMax, 0), windows.count))
        }

        mutating func add(_ window: Window) {
            makeRoom(for: 1)
            windows.append(window)
        }
    }

    private struct State {
        var packs: Shelf
        var stretches = Shelf(PackWindows.stretchesMax)
        var proofs = PackProofs()
        /// Packs that were read whole. What is wanted of one again, when it has gone, is read in
        /// stretches: most of it has been used.
        var readWhole: Set<Digest> = []
        /// Packs on their way, and who waits for them: none is fetched and hashed twice at once.
        var coming: [Digest: [CheckedContinuation<Void, Never>]] = [:]
    }

    private let state: Mutex<State>

    package init(site: any Site, _ reading: Reading) {
        self.site = site
        self.reading = reading
        state = Mutex(State(packs: Shelf(site.isFar ? Self.farPacksMax : Self.packsMax)))
    }

    /// Bytes that hold `range` of a pack.
    func window(
        of pack: Digest, _ range: Range<Int>, packBytes: Int
    ) async throws(Trouble) -> Window {
        guard range.upperBound <= packBytes else { throw short(pack) }
        while true {
            let plan = state.withLock { state in self.plan(pack, range, &state) }
            switch plan {
            case .found(let window): return window
            case .wait: await arrival(of: pack)
            case .fetch(let isWhole):
                let result: Result<Window, Trouble>
                do throws(Trouble) {
                    result = .success(
                        try await fetch(
                            pack, isWhole ? 0..<packBytes : stretch(range, packBytes),
                            isWhole: isWhole))
                } catch { result = .failure(error) }
                arrived(pack, result, isWhole: isWhole)
                return try result.get()
            }
        }
    }

    private enum Plan {
        case found(Window)
        case wait
        case fetch(isWhole: Bool)
    }

    private func plan(_ pack: Digest, _ range: Range<Int>, _ state: inout State) -> Plan {
        if let window = state.packs.take(pack, range) ?? state.stretches.take(pack, range) {
            return .found(window)
        }
        if state.coming[pack] != nil { return .wait }
        state.coming[pack] = []
        guard reading == .whole, state.readWhole.insert(pack).inserted else {
            return .fetch(isWhole: false)
        }
        // Room is made before it comes, or there would be one more in memory for each worker.
        state.packs.makeRoom(for: state.coming.count)
        return .fetch(isWhole: true)
    }

    private func arrival(of pack: Digest) async {
        await withCheckedContinuation { waiting in
            let isThere = state.withLock { state in
                guard state.coming[pack] != nil else { return true }
                state.coming[pack]?.append(waiting)
                return false
            }
            if isThere { waiting.resume() }
        }
    }

    private func arrived(_ pack: Digest, _ result: Result<Window, Trouble>, isWhole: Bool) {
        let waiting = state.withLock { state in
            if case .success(let window) = result {
                if isWhole { state.packs.add(window) } else { state.stretches.add(window) }
            }
            return state.coming.removeValue(forKey: pack) ?? []
        }
        for one in waiting { one.resume() }
    }

    private func stretch(_ range: Range<Int>, _ packBytes: Int) -> Range<Int> {
        let step = Vault.alignment
        let start = range.lowerBound / step * step
        let wanted = max(range.upperBound, start + Self.stretchBytes)
        return start..<min(packBytes, (wanted + step - 1) / step * step)
    }

    private func fetch(
        _ pack: Digest, _ range: Range<Int>, isWhole: Bool
    ) async throws(Trouble) -> Window {
        guard isWhole else {
            let bytes = try await site.get(packName(pack), in: range) { $0.count == range.count }
            guard bytes.count == range.count else { throw short(pack) }
            let proofs = state.withLock { $0.proofs }
            let isProven = proofs.prove(bytes, of: pack, from: range.lowerBound)
            return Window(pack: pack, range: range, bytes: bytes, isProven: isProven)
        }
        let hash = Mutex(Digest?.none)
        let bytes = try await site.get(packName(pack), in: range) { bytes in
            let found = Sealing.hash(bytes)
            hash.withLock { $0 = found }
            return found == pack
        }
        guard bytes.count == range.count else { throw short(pack) }
        let isProven = hash.withLock { $0 } == pack
        if isProven {
            let tags = state.withLock { $0.proofs }.tags(of: bytes)
            state.withLock { $0.proofs.keep(tags, of: pack) }
        }
        return Window(pack: pack, range: range, bytes: bytes, isProven: isProven)
    }

    /// Once more, from wherever a copy of it holds what `accepting` looks for.
    func otherWindow(
        of pack: Digest, _ range: Range<Int>, packBytes: Int, accepting: @Sendable (Window) -> Bool
    ) async throws(Trouble) -> Window {
        let wide = stretch(range, packBytes)
        @Sendable func window(_ bytes: [UInt8]) -> Window {
            Window(pack: pack, range: wide, bytes: bytes, isProven: false)
        }
        let bytes = try await site.get(packName(pack), in: wide) { $0.count == wide.count && accepting(window($0)) }
        guard bytes.count == wide.count else { throw short(pack) }
        return window(bytes)
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
        let (pack, domain) = (index.packs[place.pack], index.domain)
        let end = place.offset + Int(place.row.stored) + Sealing.tagBytes
        let range = place.offset..<end
        let window = try await windows.window(of: pack.name, range, packBytes: pack.bytes)
        if open(window, range, place, pack, domain, decompressor, &plain) { return plain[..<Int(place.row.plain)] }
        let other = try await windows.otherWindow(of: pack.name, range, packBytes: pack.bytes) { window in
            var plain: [UInt8] = []
            return open(window, range, place, pack, domain, Decompressor(), &plain)
        }
        guard open(other, range, place, pack, domain, decompressor, &plain) else {
            throw .damaged(
                packName(pack.name).text, at: site,
                Words(
                    "chunk \(place.counter) does not open",
                    de: "Stück \(place.counter) öffnet sich nicht"))
        }
        return plain[..<Int(place.row.plain)]
    }
}

/// Whether the chunk in the window is the one that was stored; its bytes are in `plain` then.
///
/// A chunk out of a pack that is not proven could have been put there by a thief of the writer's
/// keys, and so could its table: its id could not.
private func open(
    _ window: PackWindows.Window, _ range: Range<Int>, _ place: ChunkIndex.Place, _ pack: ChunkIndex.Pack,
    _ domain: Domain, _ decompressor: Decompressor, _ plain: inout [UInt8]
) -> Bool {
    let start = range.lowerBound - window.range.lowerBound
    guard opens(window.bytes[start..<start + range.count], place, pack, decompressor, &plain) else { return false }
    return window.isProven
        || domain.chunkId(of: plain[..<Int(place.row.plain)], pack.content) == place.row.id
}

private func opens(
    _ sealed: ArraySlice<UInt8>, _ place: ChunkIndex.Place, _ pack: ChunkIndex.Pack, _ decompressor: Decompressor,
    _ plain: inout [UInt8]
) -> Bool {
    let row = place.row
    do {
        let opened = try Sealing.open(
            sealed, under: pack.key, counter: place.counter, binding: pack.binding.bytes + row.id.bytes)
        grow(&plain, to: Int(row.plain))
        if row.isCompressed {
            return decompressor.decompress(opened, into: &plain, plainBytes: Int(row.plain))
        }
        copy(opened, into: &plain, at: 0)
        return true
    } catch { return false }
}

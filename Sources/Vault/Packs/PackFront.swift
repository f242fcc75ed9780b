// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Synchronization

/// The object name of a pack.
package func packName(_ name: Digest) -> ObjectName {
    let hex = name.hex
    guard let object = ObjectName("packs/\(hex.prefix(2))/\(hex)") else {
        preconditionFailure("hex makes a name")
    }
    return object
}

/// Header and sealed chunk table of a pack: what one ranged get brings.
package struct PackFront: Sendable {
    package let name: Digest
    package let header: PackHeader
    package let chunksStart: Int
    private let headerHash: [UInt8]
    private let sealedTable: [UInt8]
    /// Bound into the sealing of every chunk.
    package let binding: Digest
    private let info: [UInt8]

    package init(name: Digest, decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        self.name = name
        header = try PackHeader(decoding: &reader)
        let headerBytes = reader.offset
        guard header.tableBytes <= ChunkTable.bytesMax,
            Int(header.tableBytes) % ChunkTable.stepBytes == 0
        else { throw Malformed("chunk table of an impossible length", at: 108) }
        sealedTable = try reader.raw(Int(header.tableBytes))
        chunksStart = reader.offset
        headerHash = Sealing.hash(bytes[..<headerBytes]).bytes
        binding = Sealing.hash(bytes[..<PackHeader.boundBytes])
        info = Array(bytes[..<PackHeader.infoBytes])
    }

    package func table(_ domain: Domain, at site: String) throws(Trouble) -> ChunkTable {
        do {
            let plain = try Sealing.open(
                sealedTable, under: domain.tableKey(of: header.pack), binding: headerHash)
            return try ChunkTable(decoding: Array(plain), content: header.content)
        } catch let error as Malformed {
            throw .malformed(packName(name).text, at: site, error)
        } catch {
            throw .damaged(
                packName(name).text, at: site,
                Words("its chunk table does not open", de: "seine Stücktabelle öffnet sich nicht"))
        }
    }

    /// The key of the pack's content, checked against the commitment in the header, because
    /// AES-GCM alone would let two keys open one cipher text.
    package func contentKey(
        _ reader: Sealing.RecipientKey, at site: String
    ) throws(Trouble) -> SymmetricKey {
        do {
            let mine = Sealing.fingerprint(reader.publicKey)
            guard let wrapped = header.recipients.first(where: { $0.fingerprint == mine })?.wrapped
            else { throw Unopened() }
            let key = SymmetricKey(
                data: try Sealing.open(wrapped, with: reader, info: info))
            guard PackHeader.commitment(to: key) == header.commitment else { throw Unopened() }
            return key
        } catch {
            throw .damaged(
                packName(name).text, at: site,
                Words(
                    "the reader's key does not open it", de: "der Leserschlüssel öffnet es nicht"))
        }
    }
}

extension Vault {
    /// Ranged reads begin and end at multiples of this, so that a site does not learn where
    /// chunks lie.
    package static let alignment = 256 << 10

    /// Every pack that the site lists, with its size.
    package func presentPacks() async throws(Trouble) -> [Digest: Int] { packs(try await site.list("packs/")) }

    /// On which of these a writer may build: those at as many sites as they must, each with the same
    /// size. All of them where a writer may not look, and has to trust what it has put.
    ///
    /// - Parameter atOnce: of more than so many, one folder is listed after the other, or the listing
    ///   of a large vault alone would take a gigabyte of memory.
    package func areStored(_ all: [PackReference], atOnce: Int = 1 << 17) async throws(Trouble) -> [Bool] {
        let folders = Dictionary(grouping: all.indices) { all.count > atOnce ? UInt8(all[$0].name.a >> 56) : nil }
        var are = [Bool](repeating: false, count: all.count)
        do throws(Trouble) {
            for (folder, numbers) in folders {
                let present = packs(try await site.listStored(folder.map { "packs/\([$0].hex)/" } ?? "packs/"))
                for number in numbers { are[number] = present[all[number].name] == all[number].bytes }
            }
        } catch {
            guard error.kind == .denied else { throw error }
            return all.map { _ in true }
        }
        return are
    }

    private func packs(_ entries: [ObjectEntry]) -> [Digest: Int] {
        var packs: [Digest: Int] = [:]
        for entry in entries {
            guard let hex = entry.name.text.split(separator: "/").last,
                let name = Digest(hex: hex)
            else { continue }
            // Several sites may say several; whoever reads it finds out.
            packs[name] = max(packs[name] ?? 0, min(entry.size, Limits.packBytesMax + 1))
        }
        return packs
    }

    /// Header and chunk table of a pack, and what `opening` makes of them: of a copy with which that
    /// succeeds, where there is one.
    package func packFront<Opened: Sendable>(
        _ name: Digest, opening: @Sendable (PackFront) throws(Trouble) -> Opened
    ) async throws(Trouble) -> Opened {
        let opened = Mutex(Result<Opened, Trouble>?.none)
        _ = try await site.get(packName(name), in: 0..<Self.alignment) { bytes in
            let result = Result { () throws(Trouble) in try opening(front(name, bytes)) }
            opened.withLock { $0 = result }
            if case .success = result { return true }
            return false
        }
        guard let result = opened.withLock({ $0 }) else { preconditionFailure("every site asks") }
        return try result.get()
    }

    private func front(_ name: Digest, _ bytes: [UInt8]) throws(Trouble) -> PackFront {
        do { return try PackFront(name: name, decoding: bytes) } catch {
            throw .malformed(packName(name).text, at: site.label, error)
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

extension OpenVault {
    /// Checks everything: with `readsData` each byte of each pack, each chunk against its id, each
    /// tree, and that nothing is missing that a snapshot refers to.
    package func verify(
        _ options: VerifyOptions, report: @escaping @Sendable (VerifyProgress) -> Void
    ) async throws(Trouble) -> Verified {
        var result = try await observed.metadata(depth: options.readsData ? .content : .presence)
        guard options.readsData else { return result }
        let present = try await observed.presentReferences()
        let progress = VerifyMeter(present, report)
        let checks = await eachInOrder(present, width: options.width) { pack in
            do throws(Trouble) {
                let chunks = try await check(pack)
                progress.add(pack.bytes)
                return Result<Int, Trouble>.success(chunks)
            } catch { return .failure(error) }
        }
        for check in checks {
            switch check {
            case .success(let chunks): result.chunks += chunks
            case .failure(let trouble): result.findings.append(trouble)
            }
        }
        result.bytesRead = progress.bytes
        result.findings += await treeFindings(options)
        return result
    }

    /// Opens one pack wholly. Gives the number of its chunks.
    private func check(_ reference: PackReference) async throws(Trouble) -> Int {
        let name = packName(reference.name).text
        let site = vault.site.label
        let bytes = try await vault.site.get(packName(reference.name), in: nil)
        guard Sealing.hash(bytes) == reference.name else { throw .changed(name, at: site) }
        let front: PackFront
        do { front = try PackFront(name: reference.name, decoding: bytes) } catch {
            throw .malformed(name, at: site, error)
        }
        let pack = try open(front, bytes: bytes.count)
        let domain = try domain(of: front)
        let decompressor = Decompressor()
        var plain: [UInt8] = []
        var offset = front.chunksStart
        for (counter, row) in pack.rows.enumerated() {
            let end = offset + Int(row.stored) + Sealing.tagBytes
            guard end <= bytes.count,
                opens(bytes[offset..<end], pack, row, UInt64(counter), decompressor, &plain),
                domain.chunkId(of: plain[..<Int(row.plain)], front.header.content) == row.id
            else {
                throw .damaged(
                    name, at: site,
                    Words("chunk \(counter) does not open", de: "Stück \(counter) öffnet sich nicht"))
            }
            offset = end
        }
        guard isPadding(bytes[offset...], pack) else {
            throw .damaged(
                name, at: site, Words("its padding is not padding", de: "seine Füllung ist keine"))
        }
        return pack.rows.count
    }

    private func opens(
        _ sealed: ArraySlice<UInt8>, _ pack: Pack, _ row: ChunkTable.Row, _ counter: UInt64,
        _ decompressor: Decompressor, _ plain: inout [UInt8]
    ) -> Bool {
        do {
            let opened = try Sealing.open(
                sealed, under: pack.key, counter: counter,
                binding: pack.front.binding + row.id.bytes)
            grow(&plain, to: Int(row.plain))
            if row.isCompressed {
                return decompressor.decompress(opened, into: &plain, plainBytes: Int(row.plain))
            }
            copy(opened, into: &plain, at: 0)
            return true
        } catch { return false }
    }

    private func isPadding(_ sealed: ArraySlice<UInt8>, _ pack: Pack) -> Bool {
        do {
            let plain = try Sealing.open(
                sealed, under: pack.key, counter: UInt64(pack.rows.count),
                binding: pack.front.binding + Digest.zero.bytes)
            return plain.allSatisfy { $0 == 0 }
        } catch { return false }
    }

    // MARK: Trees

    /// What of the snapshots' trees cannot be read, or refers to what is not there. A section that
    /// several snapshots share is read once.
    private func treeFindings(_ options: VerifyOptions) async -> [Trouble] {
        var findings: [Trouble] = []
        for writer in vault.keyring.writers {
            let index = await index(
                of: observed.packs(of: writer), by: writer, width: options.width)
            findings += await treeFindings(of: writer, index)
        }
        return findings
    }

    private func treeFindings(of writer: Writer, _ index: ChunkIndex) async -> [Trouble] {
        let reader = ChunkReader(
            index, PackWindows(site: vault.site, stretch: 4 << 20), site: vault.site.label)
        var findings: [Trouble] = []
        var seen: Set<Digest> = []
        for snapshot in observed.snapshots where snapshot.writer.id == writer.id {
            do throws(Trouble) {
                for section in try await sections(of: snapshot, reader) {
                    guard seen.insert(section.chunk.id).inserted else { continue }
                    try await check(section, reader, index)
                }
            } catch {
                findings.append(
                    Trouble(
                        error.kind,
                        Words(
                            "Snapshot \(snapshot.id.short) is incomplete: \(error.message.english)",
                            de: "Sicherungsstand \(snapshot.id.short) ist unvollständig: \(error.message.german)"
                        ), advice: error.advice, cause: error.cause))
            }
        }
        return findings
    }

    private func check(
        _ reference: SectionReference, _ reader: ChunkReader, _ index: ChunkIndex
    ) async throws(Trouble) {
        let section = try await self.section(reference, reader)
        for chunk in section.chunks where !index.contains(chunk.id) {
            throw missing(chunk, index)
        }
        for (_, entry) in section.entries {
            guard case .lists(let numbers) = entry.content.stream else { continue }
            for number in numbers {
                for chunk in try await list(section.chunks[number], reader)
                where !index.contains(chunk.id) {
                    throw missing(chunk, index)
                }
            }
        }
    }

    private func missing(_ chunk: ChunkReference, _ index: ChunkIndex) -> Trouble {
        index.troubles.first ?? .missing("chunk \(chunk.id.short)…", at: vault.site.label)
    }
}

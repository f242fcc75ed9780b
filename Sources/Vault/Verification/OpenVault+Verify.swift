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
        let checks = await gathered(present, width: options.width) { pack in
            do throws(Trouble) {
                let content = try await check(pack)
                progress.add(pack.bytes)
                return Result<Checked, Trouble>.success(content)
            } catch { return .failure(error) }
        }
        var names: [Identifier: [PackReference]] = [:]
        for (pack, check) in zip(present, checks) {
            switch check {
            case .success(let content):
                result.chunks += content.chunks
                names[content.pack, default: []].append(pack)
            case .failure(let trouble): result.findings.append(trouble)
            }
        }
        result.findings += await misnamed(names)
        result.bytesRead = progress.bytes
        result.findings += await unitFindings(result.units, width: options.width)
        result.findings += await treeFindings(options)
        return result
    }

    private struct Checked: Sendable {
        let pack: Identifier
        let chunks: Int
    }

    /// One pack under two names: one of them took the place of another.
    private func misnamed(_ names: [Identifier: [PackReference]]) async -> [Trouble] {
        var findings: [Trouble] = []
        for pack in names.values.filter({ $0.count > 1 }).flatMap({ $0 }) {
            if let trouble = await vault.wrongBytes(of: pack) { findings.append(trouble) }
        }
        return findings
    }

    /// Opens one pack wholly: every byte of it is under some tag, and every chunk must be what its
    /// id says. That says more than the hash of the whole and takes less time.
    private func check(_ reference: PackReference) async throws(Trouble) -> Checked {
        let name = packName(reference.name).text
        let site = vault.site.label
        let bytes = try await vault.wholePack(reference.name)
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
        return Checked(pack: front.header.pack, chunks: pack.rows.count)
    }

    private func opens(
        _ sealed: ArraySlice<UInt8>, _ pack: Pack, _ row: ChunkTable.Row, _ counter: UInt64,
        _ decompressor: Decompressor, _ plain: inout [UInt8]
    ) -> Bool {
        do {
            let opened = try Sealing.open(
                sealed, under: pack.key, counter: counter,
                binding: pack.front.binding.bytes + row.id.bytes)
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
                binding: pack.front.binding.bytes + Digest.zero.bytes)
            return plain.allSatisfy { $0 == 0 }
        } catch { return false }
    }

    // MARK: Trees

    /// What of the snapshots' trees cannot be read, or refers to what is not there. A section that
    /// several snapshots share is read once.
    private func treeFindings(_ options: VerifyOptions) async -> [Trouble] {
        var findings: [Trouble] = []
        for writer in vault.keyring.writers {
            let index = await wholeIndex(of: writer, width: options.width)
            findings += await treeFindings(of: writer, index)
        }
        return findings
    }

    private func treeFindings(of writer: Writer, _ index: ChunkIndex) async -> [Trouble] {
        let reader = ChunkReader(
            index, PackWindows(site: vault.site, .stretches), site: vault.site.label)
        var findings: [Trouble] = []
        var seen: Set<Digest> = []
        for snapshot in observed.snapshots where snapshot.writer.id == writer.id {
            do throws(Trouble) {
                for section in try await sections(of: snapshot, reader) {
                    guard seen.insert(section.chunk.id).inserted else { continue }
                    try await check(section, reader, index)
                }
            } catch {
                let why = await explained(error, of: snapshot)
                findings.append(
                    Trouble(
                        why.kind,
                        Words(
                            "Snapshot \(snapshot.id.short) is incomplete: \(why.message.english)",
                            de: "Sicherungsstand \(snapshot.id.short) ist unvollständig: \(why.message.german)"
                        ), advice: why.advice, cause: why.cause))
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
            for number in Set(numbers).sorted() {
                for chunk in try await list(section.chunks[number], reader)
                where !index.contains(chunk.id) {
                    throw missing(chunk, index)
                }
            }
        }
    }

    private func missing(_ chunk: ChunkReference, _ index: ChunkIndex) -> Trouble {
        index.troubles.first
            ?? .missing("chunk \(chunk.id.short)…", at: vault.site.label, cause: UnplacedChunk())
    }
}

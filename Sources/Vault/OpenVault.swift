// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites

/// A vault with the reader's keys: the only value that gives content.
package struct OpenVault: Sendable {
    package let vault: Vault
    package let observed: Observed
    private let domains: [Identifier: (writer: Identifier, domain: Domain)]
    let readers: [UInt32: Sealing.RecipientKey]

    package init(
        _ vault: Vault, _ unlocked: UnlockedKeyring, remembering memory: Memory? = nil, isBundled: Bool = true
    ) async throws(Trouble) {
        var domains: [Identifier: (writer: Identifier, domain: Domain)] = [:]
        var readers: [UInt32: Sealing.RecipientKey] = [:]
        let observer: Sealing.RecipientKey
        do {
            for writer in vault.keyring.writers {
                domains[writer.domain] = (writer.id, try unlocked.domain(of: writer))
            }
            for epoch in vault.keyring.epochs {
                readers[epoch.number] = try unlocked.strongbox.reader(of: epoch.number)
            }
            observer = try Strongbox.recipientKey(unlocked.strongbox.observerSeed)
        } catch { throw .impossible("a key of the strongbox") }
        self.vault = vault
        (self.domains, self.readers) = (domains, readers)
        observed = try await Observed(vault, with: observer, remembering: memory, isBundled: isBundled)
    }

    /// A pack as far as needed to read its chunks.
    package struct Pack: Sendable {
        package let front: PackFront
        package let bytes: Int
        package let domain: Domain
        package let key: SymmetricKey
        package let rows: [ChunkTable.Row]
    }

    package func domain(of pack: PackFront) throws(Trouble) -> Domain {
        guard let (writer, domain) = domains[pack.header.domain],
            pack.header.writer == writer, pack.header.vault == vault.keyring.vault
        else {
            throw .damaged(
                packName(pack.name).text, at: vault.site.label,
                Words("it belongs to no writer", de: "es gehört zu keinem Schreiber"))
        }
        return domain
    }

    package func open(_ front: PackFront, bytes: Int) throws(Trouble) -> Pack {
        guard let reader = readers[front.header.epoch] else {
            throw .damaged(
                packName(front.name).text, at: vault.site.label,
                Words("it is of an unknown epoch", de: "es ist aus einer unbekannten Epoche"))
        }
        let domain = try domain(of: front)
        return Pack(
            front: front, bytes: bytes, domain: domain,
            key: try front.contentKey(reader, at: vault.site.label),
            rows: try front.table(domain, at: vault.site.label).rows)
    }

    /// Where the chunks of a writer's packs lie. Packs that cannot be opened are remembered in the
    /// index, and named when something is missed.
    ///
    /// Only packs of the writer's own domain count, so that nobody else's chunk can take the
    /// place of one of its own.
    ///
    /// - Parameter isGuess: whether others' packs may be among them, and are passed over.
    package func index(
        of packs: [PackReference], by writer: Writer, width: Int, isGuess: Bool = false
    ) async -> ChunkIndex {
        let gathering = ChunkIndex.Gathering()
        let troubles = await gathered(packs, width: width) { reference -> Trouble? in
            do throws(Trouble) {
                let opened = try await vault.packFront(reference.name) { front throws(Trouble) -> Pack? in
                        guard front.header.domain == writer.domain else {
                            if isGuess { return nil }
                            throw .damaged(
                                packName(reference.name).text, at: vault.site.label,
                                Words("it is another writer's", de: "es ist eines anderen Schreibers"))
                        }
                        return try open(front, bytes: reference.bytes)
                    }
                if let opened { gathering.add(opened) }
                return nil
            } catch { return error }
        }
        guard let domain = domains[writer.domain]?.domain else { preconditionFailure("of the keyring") }
        return ChunkIndex(gathering, troubles.compactMap(\.self), domain: domain, site: vault.site.label)
    }

    /// Where the chunks of a snapshot lie. If one of its packs is gone, its writer's other packs
    /// are looked through too: a later run may have stored the same chunks again.
    package func index(of snapshot: Observed.Fact, width: Int) async -> ChunkIndex {
        guard snapshot.isListWhole else { return await wholeIndex(of: snapshot.writer, width: width) }
        let index = await index(of: snapshot.packs, by: snapshot.writer, width: width)
        guard !index.troubles.isEmpty else { return index }
        return await wholeIndex(of: snapshot.writer, width: width)
    }

    /// Of all packs that a writer's records name; where one of their lists is not whole, of all that are there.
    func wholeIndex(of writer: Writer, width: Int) async -> ChunkIndex {
        if observed.kept.contains(where: { $0.writer.id == writer.id && !$0.isListWhole }) {
            do throws(Trouble) {
                return await index(of: try await observed.presentReferences(), by: writer, width: width, isGuess: true)
            } catch {
                // What the records name will have to do.
            }
        }
        return await index(of: observed.packs(of: writer), by: writer, width: width)
    }
}

extension OpenVault {
    /// Names the pack behind a chunk that is nowhere, by hashing the snapshot's packs: slow, but
    /// it is asked only when something is missing.
    package func explained(
        _ trouble: Trouble, of snapshot: Observed.Fact
    ) async -> Trouble {
        guard trouble.cause is UnplacedChunk else { return trouble }
        for pack in snapshot.packs {
            if let wrong = await vault.wrongBytes(of: pack) { return wrong }
        }
        return trouble
    }
}

extension Vault {
    /// Of several copies one that is right, else any.
    func wholePack(_ name: Digest) async throws(Trouble) -> [UInt8] {
        try await site.get(packName(name), in: nil) { Sealing.hash($0) == name }
    }

    /// Why the bytes under a pack's name are not those of the pack; nil where they are.
    func wrongBytes(of pack: PackReference) async -> Trouble? {
        do throws(Trouble) {
            let bytes = try await wholePack(pack.name)
            return Sealing.hash(bytes) == pack.name
                ? nil : .changed(packName(pack.name).text, at: site.label)
        } catch { return error }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// Images → the files of an OCI image layout, each blob once. One image at a time lies on this
/// machine while it is stored.
actor ImageSource: StreamSource {
    struct Result: Sendable {
        var ids: [String: Digest] = [:]
        var failures: [(reference: String, trouble: Trouble)] = []
        var warnings: [Words] = []
        /// Nothing that could be had was new: there is no reason for a snapshot.
        var hasGivenUp = false
    }

    private(set) var result = Result()
    private let known: CapturedImages
    private let fetch: ImageFetch
    private let begun: Moment
    /// Those that are new come first, so that one that cannot be had costs no copying of the others.
    private var waiting: ArraySlice<FoundImage>
    /// Whether a snapshot is due whatever comes of the new ones.
    private var isDue: Bool

    private struct Blob: Sendable {
        let digest: Digest
        let folder: [UInt8]
        var offset: Int64 = 0
        var hash = RunningHash()
    }

    private var blobs: [Blob] = []
    private var seen: Set<Digest> = []
    private var index: [ImageManifest.Part] = []
    private var isDone = false

    private static let pieceBytes = 1 << 20

    init(
        _ look: ImageLook, known: CapturedImages, isJudgedAnew: Bool, fetch: ImageFetch,
        begun: Moment
    ) {
        (self.known, self.fetch, self.begun) = (known, fetch, begun)
        let new = look.found.filter { known.ids[$0.reference.text] != $0.id }
        waiting = (new + look.found.filter { known.ids[$0.reference.text] == $0.id })[...]
        let isSmaller = known.ids.keys.contains { name in
            !look.found.contains { $0.reference.text == name }
        }
        isDue = isSmaller || isJudgedAnew
    }

    func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
        if !blobs.isEmpty {
            try readOn(&batch)
            return true
        }
        if let image = waiting.popFirst() {
            try await take(image, &batch)
            return true
        }
        guard !isDone else { return false }
        isDone = true
        guard isDue, !index.isEmpty else { throw giveUp() }
        index.sort { ($0.annotations?[ImageIndex.nameKey] ?? "") < ($1.annotations?[ImageIndex.nameKey] ?? "") }
        put([LayoutNames.index], ImageIndex(index).encoded, &batch)
        put([LayoutNames.marker], Array(LayoutNames.markerText.utf8), &batch)
        return true
    }

    private func take(_ image: FoundImage, _ batch: inout StreamBatch) async throws(Trouble) {
        let name = image.reference.text
        let isNew = known.ids[name] != image.id
        guard isNew || isDue else {
            waiting = []
            return
        }
        let fetched: FetchedImage
        do throws(Trouble) { fetched = try await fetch(image) } catch {
            result.failures.append((name, error))
            // The newest copy must not lack what an earlier one has.
            guard known.ids[name] == nil else { throw giveUp() }
            return
        }
        if !fetched.isExact { result.warnings.append(Self.unpacked(name)) }
        isDue = isDue || known.ids[name] != fetched.id
        result.ids[name] = fetched.id
        let top = fetched.list ?? fetched.manifest
        index.append(
            ImageManifest.Part(
                mediaType: top.mediaType, digest: top.digest.ociText, size: Int64(top.bytes.count),
                annotations: [ImageIndex.nameKey: name]))
        for manifest in [fetched.list, fetched.manifest].compactMap(\.self)
        where seen.insert(manifest.digest).inserted {
            put(LayoutNames.blobs + [manifest.digest.hex], manifest.bytes, &batch)
        }
        for part in fetched.manifest.parts where seen.insert(part).inserted {
            blobs.append(Blob(digest: part, folder: fetched.folder))
        }
    }

    private func giveUp() -> Trouble {
        result.hasGivenUp = true
        return Trouble(
            .missing,
            Words("Nothing new could be had.", de: "Es war nichts Neues zu bekommen."))
    }

    // MARK: Files

    private func put(_ path: [String], _ bytes: [UInt8], _ batch: inout StreamBatch) {
        begin(path, &batch)
        batch.append(bytes)
    }

    private func begin(_ path: [String], _ batch: inout StreamBatch) {
        batch.begin(
            StreamedEntry(path.map { Array($0.utf8) }, permissions: 0o644, modified: begun))
    }

    /// The next piece of the first blob.
    private func readOn(_ batch: inout StreamBatch) throws(Trouble) {
        var blob = blobs[0]
        let name = Array(blob.digest.hex.utf8)
        if blob.offset == 0 { begin(LayoutNames.blobs + [blob.digest.hex], &batch) }
        var bytes = [UInt8](repeating: 0, count: Self.pieceBytes)
        do throws(SystemError) {
            let file = try Descriptor.directory(blob.folder).file(name)
            let got = try file.read(into: &bytes, at: 0, count: bytes.count, from: blob.offset)
            bytes.removeLast(bytes.count - got)
        } catch {
            throw error.at(name).trouble(Words("Cannot read the image", de: "Abbild nicht lesbar:"))
        }
        blob.hash.add(bytes)
        blob.offset += Int64(bytes.count)
        batch.append(bytes)
        guard bytes.count < Self.pieceBytes else {
            blobs[0] = blob
            return
        }
        guard blob.hash.digest == blob.digest else { throw Self.other(blob.digest) }
        blobs.removeFirst()
    }

    private static func other(_ digest: Digest) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "A layer of an image is not what its digest says: \(digest.ociText).",
                de: "Eine Schicht eines Abbilds ist nicht, was ihre Prüfsumme sagt: \(digest.ociText)."),
            advice: Words(
                "Pull the image anew (podman rmi, podman pull).",
                de: "Das Abbild neu holen (podman rmi, podman pull)."))
    }

    private static func unpacked(_ name: String) -> Words {
        Words(
            "the image \"\(name)\" is captured with the same content and id, but not the bytes of its manifest's digest: this host keeps its layers unpacked, and its registry does not give them.",
            de: "Das Abbild „\(name)“ ist mit gleichem Inhalt und gleicher Kennung gesichert, aber nicht mit den Bytes seiner Manifest-Prüfsumme: Dieser Rechner hält seine Schichten entpackt, und das Verzeichnis gibt sie nicht her.")
    }
}

// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Revival
import Vault

extension RestoreCommand {
    /// Needs neither the blueprint nor a registry. Without a snapshot that is named, those of every
    /// host are loaded.
    func loadImages() async throws {
        let known = try await KnownVault(vault)
        let open = try await known.opened(passphrase)
        let one = try snapshot(among: open.observed)
        let all = ImageLayout.snapshots(among: open.observed.snapshots)
        let scratch = ImageScratch(known.state.path(.imagesToLoad))
        defer { scratch.clear() }
        var images: [Fields.Image] = []
        for fact in snapshot.moment == nil && snapshot.isLatest ? all : [one] {
            scratch.clear()
            images += try await load(fact, from: open, by: scratch)
        }
        try output.json
            ? showJSON(Fields(images: images))
            : show(images.map { image in
                let name = plain(image.reference)
                return image.isLoaded
                    ? say("\(name): loaded", de: "\(name): geladen")
                    : say("\(name): was there", de: "\(name): war schon da")
            })
    }

    private func load(
        _ fact: Observed.Fact, from open: OpenVault, by scratch: ImageScratch
    ) async throws -> [Fields.Image] {
        let folder = Array(try scratch.empty("layout").utf8)
        let progress = ProgressLine(output)
        defer { progress.end() }
        let restored = try await Restore(open, fact, options: RestoreOptions()).run(to: folder) {
            progress.update(bytesDone: $0.bytesDone, of: $0.bytesTotal, entries($0.entriesDone))
        }
        // That owners are others here is nothing to an image.
        if let missed = restored.notRestored.first(where: { $0.trouble.kind != .denied }) {
            throw missed.trouble
        }
        let layout = try ImageLayout(at: folder)
        let loaded = try await layout.load(by: scratch.path + Array("/load".utf8))
        return layout.images.map { image in
            Fields.Image(
                reference: image.reference, id: image.id.hex, digest: image.digest.ociText,
                snapshot: fact.id.hex, isLoaded: loaded.contains(image))
        }
    }

    private struct Fields: Encodable {
        struct Image: Encodable {
            let reference, id, digest, snapshot: String
            let isLoaded: Bool
        }

        let images: [Image]
    }
}

extension ImageLayout {
    /// What to type next.
    var howToLoad: [String] {
        let all = "zwilling restore --data images --load"
        let by = say("Load them all: \(all)", de: "Alle laden: \(all)")
        // A colon would end the path for skopeo.
        guard !folder.contains(UInt8(ascii: ":")), let image = images.first(where: \.isOCI) else { return [by] }
        let name = plain(image.reference)
        let one = "skopeo copy oci:\(printable(folder)):\(name) containers-storage:\(name)"
        return [by + say("; or one: ", de: "; oder eines: ") + one]
    }
}

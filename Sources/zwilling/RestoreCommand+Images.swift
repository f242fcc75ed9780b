// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Revival
import Vault

extension RestoreCommand {
    /// Needs neither the blueprint nor a registry.
    func loadImages() async throws {
        let known = try await KnownVault(vault)
        let open = try await known.opened(passphrase)
        let fact = try snapshot(among: open.observed)
        let scratch = ImageScratch(known.state.path(.imagesToLoad))
        scratch.clear()
        defer { scratch.clear() }
        let folder = Array(try scratch.empty("layout").utf8)
        let progress = ProgressLine(output)
        defer { progress.end() }
        let restored = try await Restore(open, fact, options: RestoreOptions()).run(to: folder) {
            progress.update(bytesDone: $0.bytesDone, of: $0.bytesTotal, entries($0.entriesDone))
        }
        progress.end()
        if let missed = restored.notRestored.first(where: { $0.trouble.kind != .denied }) {
            throw missed.trouble
        }
        let layout = try ImageLayout(at: folder)
        let way = scratch.path + Array("/load".utf8)
        let loaded = try await layout.load(by: way)
        try output.json
            ? showJSON(Fields(layout, loaded, of: fact))
            : show(layout.images.map { image in
                loaded.contains(image)
                    ? say("\(plain(image.reference)): loaded", de: "\(plain(image.reference)): geladen")
                    : say("\(plain(image.reference)): was there", de: "\(plain(image.reference)): war schon da")
            })
    }

    private struct Fields: Encodable {
        struct Image: Encodable {
            let reference, id, digest: String
            let isLoaded: Bool
        }

        let snapshot: String
        let images: [Image]

        init(_ layout: ImageLayout, _ loaded: [ImageLayout.Image], of fact: Observed.Fact) {
            snapshot = fact.id.hex
            images = layout.images.map {
                Image(
                    reference: $0.reference, id: $0.id.hex, digest: $0.digest.ociText,
                    isLoaded: loaded.contains($0))
            }
        }
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

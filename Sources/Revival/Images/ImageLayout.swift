// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

/// The container images of an institution, as they were brought back: an OCI image layout in a
/// directory.
package struct ImageLayout: Sendable {
    package struct Image: Hashable, Sendable {
        /// As the blueprint names it.
        package let reference: String
        /// Of the manifest, or of the list of manifests that the reference names by its digest.
        package let digest: Digest
        package let manifest: Digest
        /// Of the configuration: by it a platform starts the image, whatever the name stands for.
        package let id: Digest
        /// Whether people can load it with skopeo by its name, which takes no types of Docker's.
        package let isOCI: Bool
        /// Configuration and layers.
        let parts: [Digest]
    }

    /// By reference.
    package let images: [Image]
    /// An absolute path.
    package let folder: [UInt8]

    private static let pieceBytes = 1 << 20
    private static let indexBytesMax = 16 << 20

    /// - Throws: where it is not one, or a manifest is not what its digest says.
    package init(at folder: [UInt8]) throws(Trouble) {
        self.folder = folder
        let file = folder + Array("/\(LayoutNames.index)".utf8)
        let index: ImageIndex
        do {
            index = try ImageIndex(decoding: try Machine.readWhole(file, upTo: Self.indexBytesMax))
        } catch { throw .noLayout(folder, error) }
        var images: [Image] = []
        for part in index.manifests {
            guard let reference = part.annotations?[ImageIndex.nameKey] else { continue }
            images.append(try Self.image(reference, part, folder))
        }
        self.images = images.sorted { $0.reference < $1.reference }
    }

    private static func image(
        _ reference: String, _ part: ImageManifest.Part, _ folder: [UInt8]
    ) throws(Trouble) -> Image {
        guard let digest = Digest(ociText: part.digest) else {
            throw .damagedImage(reference, part.digest)
        }
        let top = try manifest(digest, of: reference, folder)
        var own = top
        if top.id == nil {
            // Of a list only the image for machines of this kind was captured.
            let there = top.parts.first { Machine.exists(blob($0, folder)) }
            guard let there else { throw .damagedImage(reference, digest.ociText) }
            own = try manifest(there, of: reference, folder)
        }
        guard let id = own.id else { throw .damagedImage(reference, own.digest.ociText) }
        return Image(
            reference: reference, digest: digest, manifest: own.digest, id: id,
            isOCI: top.mediaType.hasPrefix("application/vnd.oci."), parts: own.parts)
    }

    private static func manifest(
        _ digest: Digest, of reference: String, _ folder: [UInt8]
    ) throws(Trouble) -> ImageManifest {
        do {
            let bytes = try Machine.readWhole(blob(digest, folder), upTo: ImageManifest.bytesMax)
            let manifest = try ImageManifest(bytes)
            if manifest.digest == digest { return manifest }
        } catch { throw .damagedImage(reference, digest.ociText, error) }
        throw .damagedImage(reference, digest.ociText)
    }

    /// The newest snapshot of images of each host, the newest last: each host captures those that
    /// it is in charge of. Whoever loads all of them in this order has every image.
    ///
    /// - Parameter moment: not newer than this where there are some from before; else the first.
    package static func snapshots(among all: [Observed.Fact], by moment: Moment? = nil) -> [Observed.Fact] {
        let images = all.filter { $0.body.dataSet == DataSetCapture.images }
        return Dictionary(grouping: images) { "\($0.writer.id) \($0.body.host)" }.values
            .compactMap { own in
                let inOrder = own.sorted { $0.sequence < $1.sequence }
                return inOrder.last { one in moment.map { one.body.begun <= $0 } ?? true } ?? inOrder.first
            }
            .sorted { ($0.body.begun, $0.id) < ($1.body.begun, $1.id) }
    }

    static func blob(_ digest: Digest, _ folder: [UInt8]) -> [UInt8] {
        let steps = LayoutNames.blobs + [digest.hex]
        return folder + steps.flatMap { Array("/\($0)".utf8) }
    }

    /// Reads everything and compares it with its digest.
    ///
    /// - Throws: at the first blob that is missing or another, naming the image.
    package func verify() throws(Trouble) {
        var seen: Set<Digest> = []
        for image in images {
            for part in [image.digest, image.manifest] + image.parts
            where seen.insert(part).inserted {
                try verify(part, of: image)
            }
        }
    }

    private func verify(_ digest: Digest, of image: Image) throws(Trouble) {
        var hash = RunningHash()
        do throws(SystemError) {
            let directory = try Descriptor.directory(
                folder + LayoutNames.blobs.flatMap { Array("/\($0)".utf8) })
            let file = try directory.file(Array(digest.hex.utf8))
            var bytes = [UInt8](repeating: 0, count: Self.pieceBytes)
            var offset: Int64 = 0
            while true {
                let got = try file.read(into: &bytes, at: 0, count: bytes.count, from: offset)
                if got == 0 { break }
                hash.add(bytes[..<got])
                offset += Int64(got)
            }
        } catch { throw .damagedImage(image.reference, digest.ociText, error) }
        guard hash.digest == digest else { throw .damagedImage(image.reference, digest.ociText) }
    }
}

extension Trouble {
    fileprivate static func noLayout(_ folder: [UInt8], _ cause: any Error) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "There are no container images in \"\(printable(folder))\".",
                de: "In „\(printable(folder))“ liegen keine Container-Abbilder."),
            advice: Words(
                "Bring them back with \"zwilling restore --data images --to DIR\".",
                de: "Sie mit „zwilling restore --data images --to VERZ“ zurückholen."),
            cause: cause)
    }

    static func damagedImage(
        _ reference: String, _ part: String, _ cause: (any Error)? = nil
    ) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "The image \"\(reference)\" is damaged: \(part) is missing or is not what its digest says.",
                de: "Das Abbild „\(reference)“ ist beschädigt: \(part) fehlt oder ist nicht, was die Prüfsumme sagt."),
            advice: Words(
                "Bring the images back once more.", de: "Die Abbilder noch einmal zurückholen."),
            cause: cause)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// An image, byte for byte, in a directory of this machine.
struct FetchedImage: Sendable {
    let manifest: ImageManifest
    let id: Digest
    /// The list by whose digest the blueprint names it.
    var list: ImageManifest?
    /// Where each part lies under its digest in hex.
    let folder: [UInt8]
    /// Whether the manifest is the one that the registry has.
    var isExact = true
}

/// Copies one image to this machine, from where its bytes are the original ones.
///
/// Through a directory and not through an OCI layout: that would turn Docker's manifests and
/// configurations into OCI's, and so give images another id.
struct ImageFetch: Sendable {
    private let skopeo: Skopeo
    private let scratch: ImageScratch
    private let policyName: Words?

    init(_ skopeo: Skopeo, _ scratch: ImageScratch, hasPolicy: Bool) {
        (self.skopeo, self.scratch) = (skopeo, scratch)
        policyName = hasPolicy
            ? Words("the \"image-policy\" of the blueprint", de: "die „image-policy“ des Bauplans") : nil
    }

    /// - Throws: where no place gives it, naming the image.
    func callAsFunction(_ image: FoundImage) async throws(Trouble) -> FetchedImage {
        var reasons: [Trouble] = []
        var local: FetchedImage?
        var wanted: Digest?
        if let place = image.local {
            do throws(Trouble) {
                let stands = try Self.read(try await skopeo.manifest(of: place))
                wanted = stands.id == nil ? nil : stands.digest
                var copied = try await copy(place, of: image, "local")
                let original = stands.id == nil ? stands.parts : [stands.digest]
                if !original.contains(copied.manifest.digest) { copied.isExact = false }
                if copied.isExact { return copied }
                local = copied
            } catch { reasons.append(error) }
        }
        // A policy may trust the registry alone, and unpacked layers are another manifest's.
        if let place = image.reference.inRegistry(wanted) {
            do throws(Trouble) {
                let fetched = try await copy(place, of: image, "registry")
                // What runs here goes before what has the same name by now.
                if image.local == nil || fetched.id == image.id { return fetched }
            } catch { reasons.append(error) }
        }
        if let local { return local }
        throw .notHad(image.reference.text, reasons, policy: policyName)
    }

    private func copy(
        _ place: String, of image: FoundImage, _ name: String
    ) async throws(Trouble) -> FetchedImage {
        let folder = try scratch.empty(name)
        try await skopeo.copy(place, to: "dir:\(folder)")
        let act = Words("Cannot read the image", de: "Abbild nicht lesbar:")
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Machine.readWhole(
                Array("\(folder)/manifest.json".utf8), upTo: ImageManifest.bytesMax)
        } catch { throw error.trouble(act) }
        let manifest = try Self.read(bytes)
        guard let id = manifest.id else { throw .unreadableImage(nil) }
        do throws(SystemError) {
            let directory = try Descriptor.directory(Array(folder.utf8))
            for part in manifest.parts { _ = try directory.status(Array(part.hex.utf8)) }
        } catch { throw error.trouble(act) }
        var fetched = FetchedImage(manifest: manifest, id: id, folder: Array(folder.utf8))
        if let pinned = image.reference.pinned, pinned != manifest.digest {
            let list = try Self.read(try await skopeo.manifest(of: place))
            if list.digest == pinned, list.parts.contains(manifest.digest) { fetched.list = list }
            fetched.isExact = fetched.list != nil
        }
        return fetched
    }

    private static func read(_ bytes: [UInt8]) throws(Trouble) -> ImageManifest {
        do throws(Malformed) { return try ImageManifest(bytes) } catch {
            throw .unreadableImage(error)
        }
    }
}

extension Trouble {
    fileprivate static func unreadableImage(_ cause: (any Error)?) -> Trouble {
        Trouble(
            .system,
            Words("its manifest is of an unknown kind", de: "sein Manifest ist von unbekannter Art"),
            cause: cause)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

extension ImageLayout {
    /// Puts every image that is not there into Podman's store, under the name that the blueprint
    /// has for it; where that names a digest whose bytes could not be captured, under none. Needs
    /// no registry.
    ///
    /// - Parameters:
    ///   - store: of containers-storage(5), such as `[overlay@/graph+/run]`; else the usual one.
    ///   - folder: a directory for what is on its way; what is in it goes.
    /// - Returns: those that were not there.
    package func load(
        into store: String = "", by folder: [UInt8]
    ) async throws(Trouble) -> [Image] {
        let scratch = ImageScratch(folder)
        defer { scratch.clear() }
        // Judged when it was captured; a policy that asks for signatures would find none here.
        let skopeo = Skopeo(.judged)
        var loaded: [Image] = []
        for image in images {
            let place = "containers-storage:\(store)\(image.nameInStore)"
            if try await id(of: place, skopeo) == image.id { continue }
            do throws(Trouble) {
                try await skopeo.copy("dir:\(try lay(image, in: scratch))", to: place)
                guard try await id(of: place, skopeo) == image.id else {
                    throw .damagedImage(image.reference, image.id.ociText)
                }
            } catch {
                guard error.kind != .missing else { throw error }
                throw .notLoaded(image.reference, error)
            }
            loaded.append(image)
        }
        return loaded
    }

    /// Whether Podman's store has every image already.
    func isLoaded() async throws(Trouble) -> Bool {
        let skopeo = Skopeo(.judged)
        for image in images {
            if try await id(of: "containers-storage:\(image.nameInStore)", skopeo) != image.id { return false }
        }
        return true
    }

    /// nil where there is no such image.
    private func id(of place: String, _ skopeo: Skopeo) async throws(Trouble) -> Digest? {
        do throws(Trouble) { return Sealing.hash(try await skopeo.config(of: place)) } catch {
            guard error.kind != .missing else { throw error }
            return nil
        }
    }

    /// As skopeo's `dir:` has it, which takes Docker's types as well as OCI's.
    private func lay(_ image: Image, in scratch: ImageScratch) throws(Trouble) -> String {
        let path = try scratch.empty("image")
        var links = image.parts.map { ($0.hex, $0) }
        links.append(("manifest.json", image.digest))
        if image.digest != image.manifest {
            links.append(("\(image.manifest.hex).manifest.json", image.manifest))
        }
        var made: Set<String> = []
        do throws(SystemError) {
            let directory = try Descriptor.directory(Array(path.utf8))
            for (name, digest) in links where made.insert(name).inserted {
                try directory.makeSymlink(Array(name.utf8), to: Self.blob(digest, folder))
            }
            let version = try directory.create(Array("version".utf8))
            try version.write(Array("Directory Transport Version: 1.1\n".utf8), at: 0)
        } catch {
            throw error.at(Array(path.utf8)).trouble(
                Words("Cannot write", de: "Lässt sich nicht schreiben:"))
        }
        return path
    }
}

extension ImageLayout.Image {
    /// A store takes a name with a digest only for exactly that.
    fileprivate var nameInStore: String {
        let name = ImageReference(reference)
        guard let pinned = name.pinned, pinned != digest, pinned != manifest else {
            return name.localNames[0]
        }
        return "@\(id.hex)"
    }
}

extension Trouble {
    fileprivate static func notLoaded(_ reference: String, _ cause: Trouble) -> Trouble {
        let why = cause.saidBySkopeo
        return Trouble(
            cause.kind,
            Words(
                "The image \"\(reference)\" cannot be loaded: \(why.english)",
                de: "Das Abbild „\(reference)“ lässt sich nicht laden: \(why.german)"),
            advice: cause.advice, cause: cause)
    }
}

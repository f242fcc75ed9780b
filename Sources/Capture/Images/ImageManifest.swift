// SPDX-License-Identifier: EUPL-1.2
import FoundationEssentials
import Ground
import Vault

/// Of what an image consists, or a list of images for several machines: the manifests of OCI's
/// image specification 1.1, and Docker's of schema 2, which differ in the names of their types only.
package struct ImageManifest: Sendable {
    package struct Part: Codable, Sendable {
        package var mediaType: String?
        package let digest: String
        package var size: Int64?
        package var annotations: [String: String]?
    }

    private struct Form: Decodable {
        let mediaType: String?
        let config: Part?
        let layers: [Part]?
        let manifests: [Part]?
    }

    /// Its own, by which it is known.
    package let digest: Digest
    package let bytes: [UInt8]
    package let mediaType: String
    /// Of the configuration, which is the image's id; nil for a list.
    package let id: Digest?
    /// Configuration and layers; the manifests of a list.
    package let parts: [Digest]

    package static let bytesMax = 4 << 20
    package static let listType = "application/vnd.oci.image.index.v1+json"
    private static let imageType = "application/vnd.oci.image.manifest.v1+json"

    package init(_ bytes: [UInt8]) throws(Malformed) {
        let form: Form
        do { form = try JSONDecoder().decode(Form.self, from: Data(bytes)) } catch {
            throw Malformed("no manifest of an image: \(error)", at: 0)
        }
        let named: [Part]
        if let config = form.config, let layers = form.layers {
            named = [config] + layers
        } else if let manifests = form.manifests {
            named = manifests
        } else {
            // Docker's schema 1 has neither.
            throw Malformed("a manifest of an unknown kind", at: 0)
        }
        parts = try named.map { part throws(Malformed) in
            guard let digest = Digest(ociText: part.digest) else {
                throw Malformed("a digest that is no SHA-256: \(part.digest.prefix(80))", at: 0)
            }
            return digest
        }
        id = form.config == nil ? nil : parts.first
        mediaType = form.mediaType ?? (id == nil ? Self.listType : Self.imageType)
        digest = Sealing.hash(bytes)
        self.bytes = bytes
    }
}

/// The `index.json` of an OCI image layout.
package struct ImageIndex: Codable, Sendable {
    package var schemaVersion = 2
    package var mediaType: String? = ImageManifest.listType
    package var manifests: [ImageManifest.Part]

    /// Under which name an image stands there.
    package static let nameKey = "org.opencontainers.image.ref.name"

    package init(_ manifests: [ImageManifest.Part]) { self.manifests = manifests }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        do { self = try JSONDecoder().decode(ImageIndex.self, from: Data(bytes)) } catch {
            throw Malformed("no index of images: \(error)", at: 0)
        }
    }

    package var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(self)) } catch {
            preconditionFailure("texts and numbers become JSON: \(error)")
        }
    }
}

/// The names of an OCI image layout (image-layout.md of the specification).
package enum LayoutNames {
    package static let marker = "oci-layout"
    package static let markerText = #"{"imageLayoutVersion":"1.0.0"}"#
    package static let index = "index.json"
    package static let blobs = ["blobs", "sha256"]
}

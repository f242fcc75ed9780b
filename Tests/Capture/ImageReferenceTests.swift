// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Testing

@Suite("Names of images")
struct ImageReferenceTests {
    private static let hex = String(repeating: "ab", count: 32)

    @Test("A name without a registry is first one that was built here", arguments: [
        ("fach", ["localhost/fach", "fach"]),
        ("amt/fach:2", ["localhost/amt/fach:2", "amt/fach:2"]),
        ("localhost/fach", ["localhost/fach"]),
        ("registry.example/fach", ["registry.example/fach"]),
        ("registry:5000/fach:1", ["registry:5000/fach:1"]),
    ])
    func short(text: String, names: [String]) {
        #expect(ImageReference(text).localNames == names)
    }

    @Test("Only a whole SHA-256 pins an image")
    func pinned() {
        #expect(ImageReference("a/b@sha256:\(Self.hex)").pinned?.hex == Self.hex)
        #expect(ImageReference("a/b:1@sha256:\(Self.hex)").pinned?.hex == Self.hex)
        for text in ["a", "a:1", "a@sha256:ab", "a@sha512:\(Self.hex)", "a@", "sha256:\(Self.hex)"] {
            #expect(ImageReference(text).pinned == nil, "\(text)")
        }
    }

    @Test("Manifests of OCI and of Docker are read, and nothing else")
    func manifests() throws {
        let part = #"{"digest": "sha256:\#(Self.hex)", "size": 1}"#
        let image = try ImageManifest(Array(#"{"config": \#(part), "layers": [\#(part)]}"#.utf8))
        #expect(image.id?.hex == Self.hex && image.parts.count == 2)
        #expect(image.mediaType == "application/vnd.oci.image.manifest.v1+json")
        let list = try ImageManifest(Array(#"{"mediaType": "x", "manifests": [\#(part)]}"#.utf8))
        #expect(list.id == nil && list.parts.count == 1 && list.mediaType == "x")
        let other = part.replacing("sha256", with: "sha512")
        for text in [
            "", "{", "[]", "{}", #"{"schemaVersion": 1, "fsLayers": []}"#, #"{"config": \#(part)}"#,
            #"{"config": \#(other), "layers": []}"#, #"{"manifests": [{"digest": "../../etc"}]}"#,
        ] {
            #expect(throws: Malformed.self, "\(text)") { try ImageManifest(Array(text.utf8)) }
        }
    }

    @Test("What was captured last is read back as it was written, and nothing else")
    func captured() throws {
        let digest = try #require(Digest(hex: Self.hex))
        for one in [
            CapturedImages.none, CapturedImages(policy: digest, ids: ["a": digest, "b:1": digest]),
        ] {
            #expect(try CapturedImages(decoding: one.encoded) == one)
            #expect(throws: Malformed.self) { try CapturedImages(decoding: one.encoded + [0]) }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Vault

/// Where an image was found, and which one it is.
package struct FoundImage: Hashable, Sendable {
    package let reference: ImageReference
    /// In words of skopeo; nil where only the registry may have it.
    let local: String?
    /// nil where nobody could be asked, and nobody needs to be: the reference names a digest that
    /// was captured already.
    package let id: Digest
}

/// What came of looking for the images of an institution.
package struct ImageLook: Sendable {
    package fileprivate(set) var found: [FoundImage] = []
    package fileprivate(set) var failures: [(reference: String, trouble: Trouble)] = []
    /// Against what was captured last.
    package fileprivate(set) var known = CapturedImages.none
    /// Whether there is something to capture. Not while an image is out of reach that the twin has:
    /// the newest copy would lack it.
    package fileprivate(set) var isNew = false
}

/// The container images that an institution is started from → one OCI image layout in the vault.
package struct ImageCapture: Sendable {
    let images: [NamedImage]
    /// What the policy says, if the blueprint names one.
    private let policy: [UInt8]?
    /// A directory for images on their way, of this capture alone.
    let folder: [UInt8]

    /// - Parameter folder: an absolute path in UTF-8; what is in it goes.
    package init(_ images: [NamedImage], policy: [UInt8]?, in folder: [UInt8]) {
        (self.images, self.policy, self.folder) = (images, policy, folder)
    }

    private var policyDigest: Digest? { policy.map { Sealing.hash($0) } }

    // MARK: Looking

    /// Which images there are now. Copies nothing.
    package func look(_ known: CapturedImages) async -> ImageLook {
        var look = ImageLook()
        look.known = known
        for image in images {
            let reference = ImageReference(image.reference)
            let before = known.ids[image.reference]
            do throws(Trouble) { look.found.append(try await find(reference, before)) } catch {
                // Another host has it, or nobody: that one says so.
                guard image.isOwed || before != nil else { continue }
                look.failures.append((image.reference, .notHad(image.reference, [error], policy: nil)))
            }
        }
        let now = Dictionary(look.found.map { ($0.reference.text, $0.id) }) { first, _ in first }
        let isWhole = !look.failures.contains { known.ids[$0.reference] != nil }
        look.isNew =
            isWhole && !now.isEmpty && CapturedImages(policy: policyDigest, ids: now) != known
        return look
    }

    private func find(
        _ reference: ImageReference, _ before: Digest?
    ) async throws(Trouble) -> FoundImage {
        let skopeo = Skopeo()
        var failure: Trouble?
        for name in reference.localNames {
            let place = "containers-storage:\(name)"
            do throws(Trouble) {
                let id = Sealing.hash(try await skopeo.config(of: place))
                return FoundImage(reference: reference, local: place, id: id)
            } catch {
                guard error.kind != .missing else { throw error }
                failure = failure ?? error
            }
        }
        if let before, reference.pinned != nil {
            return FoundImage(reference: reference, local: nil, id: before)
        }
        guard let place = reference.inRegistry(nil) else { throw failure ?? .unknownImage }
        let id = Sealing.hash(try await skopeo.config(of: place))
        return FoundImage(reference: reference, local: nil, id: id)
    }

    // MARK: Capturing

    /// What a capture came to.
    package struct Outcome: Sendable {
        /// nil where nothing new could be had.
        package var captured: (Captured, images: CapturedImages)?
        package var failures: [(reference: String, trouble: Trouble)]
        package var warnings: [Words]
    }

    /// Copies every image that was found, one after the other, and stores them together.
    ///
    /// - Throws: what the vault throws. An image that cannot be had is among the failures.
    package func run(
        _ look: ImageLook, to capture: StreamCapture, cache: WriterCache,
        report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> Outcome {
        let scratch = ImageScratch(folder)
        scratch.clear()
        defer { scratch.clear() }
        var skopeo = Skopeo()
        if let policy { skopeo = Skopeo(.file(try scratch.put("policy.json", policy))) }
        let source = ImageSource(
            look, known: look.known, isJudgedAnew: policyDigest != look.known.policy,
            fetch: ImageFetch(skopeo, scratch, hasPolicy: policy != nil), begun: capture.draft.begun)
        let stored: StreamCapture.Stored
        do throws(Trouble) {
            stored = try await capture.store(source, cache: cache, report: report)
        } catch {
            let result = await source.result
            guard result.hasGivenUp else { throw error }
            return Outcome(captured: nil, failures: result.failures, warnings: [])
        }
        let result = await source.result
        let captured = try await capture.commit(stored)
        return Outcome(
            captured: (captured, CapturedImages(policy: policyDigest, ids: result.ids)),
            failures: result.failures, warnings: result.warnings)
    }
}

extension Trouble {
    fileprivate static var unknownImage: Trouble {
        Trouble(
            .system, Words("There is no such image in the local store.", de: "Im lokalen Speicher gibt es kein solches Abbild."))
    }

    /// - Parameters:
    ///   - reasons: of each place where it was looked for.
    ///   - policy: what people call it, where one judged.
    static func notHad(_ reference: String, _ reasons: [Trouble], policy: Words?) -> Trouble {
        let why = reasons.map(\.saidBySkopeo)
        let english = why.map(\.english).joined(separator: "; ")
        let german = why.map(\.german).joined(separator: "; ")
        let isRefused = english.contains("image rejected") || english.contains("trust policy")
        if isRefused {
            let name = policy ?? Words("the system's policy", de: "die Richtlinie des Systems")
            return Trouble(
                .denied,
                Words(
                    "The image \"\(reference)\" is not let through by \(name.english): \(english).",
                    de: "Das Abbild „\(reference)“ lässt \(name.german) nicht durch: \(german)."),
                advice: Words(
                    "Sign it as the policy asks, or let the policy allow it (man containers-policy.json).",
                    de: "Es signieren, wie die Richtlinie es verlangt, oder es dort erlauben (man containers-policy.json)."),
                cause: reasons.first)
        }
        return Trouble(
            reasons.first?.kind ?? .system,
            Words(
                "The image \"\(reference)\" cannot be had: \(english)",
                de: "Das Abbild „\(reference)“ ist nicht zu bekommen: \(german)"),
            advice: reasons.first?.kind == .missing
                ? reasons.first?.advice
                : Words(
                    "Pull or build it on this host (podman pull), log in to its registry (skopeo login), or correct \"image\" in the blueprint.",
                    de: "Es auf diesem Rechner holen oder bauen (podman pull), sich am Verzeichnis anmelden (skopeo login) oder „image“ im Bauplan berichtigen."),
            cause: reasons.first)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground

extension VaultState {
    /// None where nothing is known: all of them are then captured again, which stores little.
    func images() throws(Trouble) -> CapturedImages {
        guard let bytes = try read(.images) else { return .none }
        do throws(Malformed) { return try CapturedImages(decoding: bytes) } catch { return .none }
    }

    func keep(images: CapturedImages) throws(Trouble) { try write(.images, images.encoded) }
}

extension Blueprint {
    /// nil where no container image is to be captured on this host.
    ///
    /// - Parameter files: those of the blueprint, as they are captured.
    func images(
        on host: String, _ files: [(name: String, bytes: [UInt8])], for state: VaultState
    ) -> ImageCapture? {
        let named = institution.images(on: host)
        guard !named.isEmpty else { return nil }
        let policy = institution.imagePolicy.flatMap { policy in
            files.first { $0.name == policy.value }?.bytes
        }
        return ImageCapture(named, policy: policy, in: state.path(.imagesOnTheirWay))
    }
}

extension Trouble {
    static var imagesByService: Trouble {
        Trouble(
            .busy,
            Words(
                "The service that protects this machine captures its images.",
                de: "Die Abbilder sichert der Dienst, der diesen Rechner sichert."),
            advice: Words(
                "It looks every ten minutes, and at once when it is started anew.",
                de: "Er sieht alle zehn Minuten nach, und sofort, wenn er neu gestartet wird."))
    }
}

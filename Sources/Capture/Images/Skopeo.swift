// SPDX-License-Identifier: EUPL-1.2
import Ground
import Programs

/// skopeo(1), which speaks to registries and to Podman's store so that nothing here has to.
package struct Skopeo: Sendable {
    /// Which images may be taken, by whose signature: containers-policy.json(5).
    package enum Policy: Sendable {
        case system
        case file(String)
        /// For what was judged when it was captured, and has been in a vault since.
        case judged
    }

    private let policy: Policy

    private static let lookTimeout = Duration.seconds(30)
    private static let copyTimeout = Duration.seconds(7200)
    private static let answerBytesMax = 16 << 20

    package init(_ policy: Policy = .system) { self.policy = policy }

    /// What an image is configured to run; its SHA-256 is the image's id.
    package func config(of place: String) async throws(Trouble) -> [UInt8] {
        try await look(["--config", "--raw", place])
    }

    /// The manifest as it stands there: the image's own, or a list of those for several machines.
    package func manifest(of place: String) async throws(Trouble) -> [UInt8] {
        try await look(["--raw", place])
    }

    /// Layers stay as they are, byte for byte, wherever the target allows it.
    package func copy(_ source: String, to target: String) async throws(Trouble) {
        let options: [String] =
            switch policy {
            case .system: []
            case .file(let file): ["--policy", file]
            case .judged: ["--insecure-policy"]
            }
        _ = try await run(options + ["copy", "--quiet", source, target], Self.copyTimeout)
    }

    private func look(_ arguments: [String]) async throws(Trouble) -> [UInt8] {
        try await run(["inspect"] + arguments, Self.lookTimeout)
    }

    private func run(
        _ arguments: [String], _ timeout: Duration
    ) async throws(Trouble) -> [UInt8] {
        do throws(Trouble) {
            return try await Program(["skopeo"] + arguments, timeout: timeout)
                .output(upTo: Self.answerBytesMax)
        } catch {
            guard error.kind == .missing else { throw error }
            throw Trouble(
                .missing, error.message,
                advice: Words(
                    "Container images are captured and loaded with skopeo: install it (Debian: \"apt install skopeo\").",
                    de: "Container-Abbilder werden mit skopeo gesichert und geladen: installieren (Debian: „apt install skopeo“)."),
                cause: error)
        }
    }
}

extension Trouble {
    /// What skopeo said, without the dress of its log.
    package var saidBySkopeo: Words {
        Words(Self.undressed(message.english), de: Self.undressed(message.german))
    }

    private static func undressed(_ text: String) -> String {
        guard let mark = text.firstRange(of: " level=fatal msg=\"") else { return text }
        var said = text[mark.upperBound...]
        while let last = said.last, last == "." || last == "\"" { said = said.dropLast() }
        return "skopeo: " + said.replacing("\\\"", with: "\"")
    }
}

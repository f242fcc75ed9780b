// SPDX-License-Identifier: EUPL-1.2
import Ground

/// An image as people name it: `[registry/]name[:tag][@sha256:digest]`.
package struct ImageReference: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// The digest that it names, of a manifest or of a list of those.
    package var pinned: Digest? {
        guard let at = text.lastIndex(of: "@") else { return nil }
        return Digest(ociText: text[text.index(after: at)...])
    }

    private var first: Substring { text.prefix { $0 != "/" } }

    private var hasRegistry: Bool {
        text.contains("/") && (first.contains(".") || first.contains(":") || first == "localhost")
    }

    /// By which names a local store may know it: what is built here gets `localhost/` in front.
    package var localNames: [String] { hasRegistry ? [text] : ["localhost/" + text, text] }

    /// What a registry is asked for; nil for what is only built on a machine.
    ///
    /// - Parameter digest: of which exactly that is wanted, whatever the tag says by now.
    func inRegistry(_ digest: Digest?) -> String? {
        guard !text.hasPrefix("localhost/") else { return nil }
        guard let digest = pinned ?? digest else { return "docker://\(text)" }
        let bare = text.prefix { $0 != "@" }
        let start = bare.lastIndex(of: "/") ?? bare.startIndex
        let end = bare[start...].lastIndex(of: ":") ?? bare.endIndex
        return "docker://\(bare[..<end])@\(digest.ociText)"
    }
}

extension Digest {
    package init?(ociText text: some StringProtocol) {
        guard text.hasPrefix("sha256:") else { return nil }
        self.init(hex: text.dropFirst(7))
    }

    package var ociText: String { "sha256:\(hex)" }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// A directory for images on their way: what a killed run left there goes with the next one.
package struct ImageScratch: Sendable {
    package let path: [UInt8]

    package init(_ path: [UInt8]) { self.path = path }

    /// A file of that name, and how other programs find it.
    package func put(_ name: String, _ bytes: [UInt8]) throws(Trouble) -> String {
        let file = path + Array("/\(name)".utf8)
        do throws(SystemError) {
            try Machine.makeDirectories(path)
            try Machine.writeDurably(file, bytes)
        } catch { throw error.at(file).trouble(Self.act) }
        return try Self.text(file)
    }

    /// A directory of that name with nothing in it.
    package func empty(_ name: String) throws(Trouble) -> String {
        let folder = path + Array("/\(name)".utf8)
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            let directory = try Descriptor.directory(folder)
            for name in try directory.names() { try directory.remove(name) }
        } catch { throw error.at(folder).trouble(Self.act) }
        return try Self.text(folder)
    }

    /// Everything goes; what does not stays for the next time.
    package func clear() {
        do throws(SystemError) { try Self.clear(try Descriptor.directory(path)) } catch { return }
        Machine.discardDirectory(path)
    }

    private static func clear(_ directory: borrowing Descriptor) throws(SystemError) {
        for name in try directory.names() {
            guard try directory.status(name).kind == .directory else {
                try directory.remove(name)
                continue
            }
            try clear(try directory.directory(name))
            try directory.removeDirectory(name)
        }
    }

    private static let act = Words("Cannot write", de: "Lässt sich nicht schreiben:")

    private static func text(_ path: [UInt8]) throws(Trouble) -> String {
        guard let text = String(validating: path, as: UTF8.self) else {
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(printable(path))\" is not UTF-8, and skopeo must find it.",
                    de: "„\(printable(path))“ ist nicht UTF-8, und skopeo muss es finden."),
                advice: Words(
                    "Set ZWILLING_HOME to another directory.",
                    de: "ZWILLING_HOME auf ein anderes Verzeichnis setzen."))
        }
        return text
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation

/// A directory of its own for one test, which disappears with it.
final class Workplace {
    let path: String
    let directory: Descriptor

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("zwilling-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
        directory = try Descriptor.directory(Array(path.utf8))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> [UInt8] { Array("\(path)/\(name)".utf8) }

    /// A file with this content.
    func file(_ name: String, _ content: String = "") throws {
        let file = try directory.create(Array(name.utf8))
        try file.write(Array(content.utf8), at: 0)
    }

    func content(_ name: String) throws -> String {
        String(decoding: try Machine.readWhole(path(name), upTo: 1 << 20), as: UTF8.self)
    }
}

let isRoot = geteuid() == 0

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

/// The errno with which `body` is refused, nil where it is not.
func code(_ body: () throws -> Void) -> Int32? {
    do {
        try body()
        return nil
    } catch let error as SystemError {
        return error.code
    } catch {
        return -1
    }
}

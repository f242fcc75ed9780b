// SPDX-License-Identifier: EUPL-1.2
import Foundation

/// Where a cache is kept for one test.
final class LocalState {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zl-\(UUID().uuidString)")

    var path: [UInt8] { Array(folder.appending(path: "cache").path.utf8) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// All files, by their names below the folder.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where name != "cache.files" {
            files[name] = Array(try Data(contentsOf: folder.appending(path: name)))
        }
        return files
    }

    func bytes() throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).reduce(0) { sum, name in
            sum + (try folder.appending(path: name).resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
        }
    }

    func put(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: folder.appending(path: name))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }
}

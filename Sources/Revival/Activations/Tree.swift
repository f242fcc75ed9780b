// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs

/// Trees of files as a whole, by the tools of the system.
enum Tree {
    private static let patience = Duration.seconds(3600)

    static func remove(_ path: [UInt8]) async throws(Trouble) {
        _ = try await Program(
            ["rm", "-rf", "--one-file-system", "--", String(decoding: path, as: UTF8.self)], timeout: patience
        ).output(upTo: 1 << 16)
    }

    static func give(_ path: [UInt8], to user: String) async throws(Trouble) {
        let group = try await ProcessPlatform.group(of: user)
        _ = try await Program(
            ["chown", "-R", "--no-dereference", "\(user):\(group)", "--", String(decoding: path, as: UTF8.self)], timeout: patience
        ).output(upTo: 1 << 16)
    }

    /// Others may pass, and see only what they may see in it.
    static func letThrough(_ path: [UInt8]) throws(Trouble) {
        do throws(SystemError) { try Descriptor.directory(path).setPermissions(0o711) } catch {
            throw error.at(path).trouble(Words("Cannot set permissions of", de: "Rechte lassen sich nicht setzen:"))
        }
    }
}

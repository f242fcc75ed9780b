// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Sites

/// A directory site, and the path where it lies.
func withSite(_ body: (DirectorySite, String) async throws -> Void) async throws {
    try await withDirectory { directory in
        try await body(DirectorySite.create(path(directory + "/site")), directory + "/site")
    }
}

func url(_ directory: String, _ below: String) -> URL {
    URL(fileURLWithPath: "\(directory)/\(below)")
}

/// A file that no site made.
func plant(_ directory: String, _ below: String) throws {
    let file = url(directory, below)
    try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("foreign".utf8).write(to: file)
}

func link(_ directory: String, _ below: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(below)", withDestinationPath: target)
}

func names(_ directory: String, _ below: String) throws -> [String] {
    try Descriptor.directory(path("\(directory)/\(below)")).names()
        .map { String(decoding: $0, as: UTF8.self) }.sorted()
}

func permissions(_ directory: String, _ below: String) throws -> UInt16 {
    let place = try Descriptor.directory(path(directory))
    guard let slash = below.lastIndex(of: "/") else {
        let status = below.isEmpty ? try place.status() : try place.status(path(below))
        return status.permissions
    }
    let parent = try Descriptor.directory(path("\(directory)/\(below[..<slash])"))
    return try parent.status(path(String(below[below.index(after: slash)...]))).permissions
}

/// Runs `body` in a file system of its own, of `bytesMax` bytes, and calls its argument to make
/// it read only. Only root may mount.
func withMount(
    bytesMax: Int, _ body: (String, _ makeReadOnly: () throws -> Void) async throws -> Void
) async throws {
    try await withDirectory { directory in
        try run("mount", "-t", "tmpfs", "-o", "size=\(bytesMax)", "zwilling-test", directory)
        do {
            try await body(directory) { try run("mount", "-o", "remount,ro", directory) }
        } catch {
            try run("umount", "-l", directory)
            throw error
        }
        try run("umount", "-l", directory)
    }
}

let isRoot = getuid() == 0

/// Root in a container may be root in name only.
let canMount: Bool = {
    guard isRoot else { return false }
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("zwilling-mount-\(UUID().uuidString)").path
    do {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try run("mount", "-t", "tmpfs", "zwilling-test", directory)
        try run("umount", directory)
        return true
    } catch {
        return false
    }
}()

private struct Failed: Error { let command: [String] }

private func run(_ command: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(command: command) }
}

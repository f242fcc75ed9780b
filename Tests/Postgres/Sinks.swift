// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres

/// Keeps what a base backup brings.
struct MapSink: BackupSink {
    var entries: [BackupEntry] = []
    /// Content by archive and path.
    var files: [BackupArchive: [[UInt8]: [UInt8]]] = [:]
    var manifest: [UInt8] = []
    /// Fails at this entry.
    var failsAt: [UInt8]?

    private var archive: BackupArchive?
    private var open: (entry: BackupEntry, content: [UInt8])?
    /// Anything out of order.
    var faults = 0

    mutating func begin(_ archive: BackupArchive) throws(Trouble) {
        if self.archive != nil || !manifest.isEmpty { faults += 1 }
        self.archive = archive
        files[archive] = [:]
    }

    mutating func begin(_ entry: BackupEntry) throws(Trouble) {
        if open != nil || archive == nil { faults += 1 }
        if entry.path == failsAt { throw Trouble(.full, Words("full", de: "voll")) }
        open = (entry, [])
        entries.append(entry)
    }

    mutating func content(_ bytes: Span<UInt8>) throws(Trouble) {
        if open == nil { faults += 1 }
        for index in bytes.indices { open?.content.append(bytes[index]) }
    }

    mutating func endEntry() throws(Trouble) {
        guard let archive, let open else {
            faults += 1
            return
        }
        if open.entry.kind == .file {
            if Int64(open.content.count) != open.entry.size { faults += 1 }
            files[archive]?[open.entry.path] = open.content
        }
        self.open = nil
    }

    mutating func endArchive() throws(Trouble) {
        if open != nil || archive == nil { faults += 1 }
        archive = nil
    }

    mutating func manifest(_ bytes: Span<UInt8>) throws(Trouble) {
        for index in bytes.indices { manifest.append(bytes[index]) }
    }
}

/// Writes a base backup out, tablespaces beside the data directory.
struct DirectorySink: BackupSink {
    let folder: String
    private var root = ""
    private var path = ""
    private var file: FileHandle?
    private var manifestBytes = Data()

    var data: String { folder + "/data" }

    init(_ folder: String) { self.folder = folder }

    static func space(_ folder: String, _ oid: UInt32) -> String { "\(folder)/space-\(oid)" }

    private func make(_ path: String, _ mode: Int) {
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: mode])
    }

    mutating func begin(_ archive: BackupArchive) throws(Trouble) {
        switch archive {
        case .base: root = data
        case .tablespace(let oid): root = Self.space(folder, oid)
        }
        make(root, 0o700)
    }

    mutating func begin(_ entry: BackupEntry) throws(Trouble) {
        path = root + "/" + String(decoding: entry.path, as: UTF8.self)
        switch entry.kind {
        case .directory: make(path, Int(entry.mode))
        case .file:
            _ = FileManager.default.createFile(
                atPath: path, contents: nil,
                attributes: [.posixPermissions: Int(entry.mode)])
            file = FileHandle(forWritingAtPath: path)
        case .symlink: throw Trouble(.damaged, Words("a symlink", de: "ein Symlink"))
        }
    }

    mutating func content(_ bytes: Span<UInt8>) throws(Trouble) {
        unsafe bytes.withUnsafeBufferPointer { unsafe file?.write(Data($0)) }
    }

    mutating func endEntry() throws(Trouble) {
        try? file?.close()
        file = nil
    }

    mutating func endArchive() throws(Trouble) {
        _ = FileManager.default.createFile(atPath: data + "/backup_manifest", contents: nil)
    }

    mutating func manifest(_ bytes: Span<UInt8>) throws(Trouble) {
        unsafe bytes.withUnsafeBufferPointer { unsafe manifestBytes.append(Data($0)) }
        try? manifestBytes.write(to: URL(fileURLWithPath: data + "/backup_manifest"))
    }
}

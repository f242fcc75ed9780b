// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Sites
import Testing

/// Every kind of site there is. A new one gets a case here, and has then to pass `Conformance`.
enum Subject: String, CaseIterable, CustomTestStringConvertible {
    case memory
    case directory
    case bucket
    /// Several of them at once.
    case spread
    case host
    /// A bucket of another implementation.
    case ceph

    /// Where nothing speaks S3 here, only that is left out; in continuous integration it must be there.
    static var allCases: [Subject] {
        let hasHost = SSHHost.isPossible || ProcessInfo.processInfo.environment["CI"] != nil
        let isThere = Cloud.isPossible(.seaweed) || ProcessInfo.processInfo.environment["CI"] != nil
        return [.memory, .directory, .spread] + (isThere ? [.bucket] : []) + (hasHost ? [.host] : []) + (Cloud.soaksCeph ? [.ceph] : [])
    }

    var testDescription: String { "\(rawValue) site" }

    /// A fresh, empty site that is gone when `body` has ended.
    func with(_ body: (any Site) async throws -> Void) async throws {
        switch self {
        case .memory:
            try await body(MemorySite())
        case .directory:
            try await withDirectory { directory in
                try await body(DirectorySite.create(path(directory + "/site")))
            }
        case .bucket:
            try await body(Cloud.good.get().site())
        case .ceph:
            try await body(Cloud.other.get().site())
        case .host:
            try await withDirectory { directory in
                let host = try SSHHost.good.get()
                try await body(SFTPSite(SFTPAddress(host.address(directory)), ssh: [host.ssh]))
            }
        case .spread:
            let members = (1...3).map { SpreadSite.Member(MemorySite(), name: "site-\($0)") }
            try await body(SpreadSite(members, required: 2))
        }
    }
}

/// An empty directory that is gone when `body` has ended.
///
/// - Parameter wish: Where to make it, if it can be written to.
func withDirectory(
    in wish: String? = nil, _ body: (String) async throws -> Void
) async throws {
    let usual = FileManager.default.temporaryDirectory.path
    let place = wish.flatMap { FileManager.default.isWritableFile(atPath: $0) ? $0 : nil } ?? usual
    let directory = "\(place)/zwilling-sites-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
}

func path(_ text: String) -> [UInt8] { Array(text.utf8) }

func name(_ text: String) throws -> ObjectName {
    try #require(ObjectName(text), "\(text) is no name")
}

/// Bytes that differ from place to place and from seed to seed.
func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var result: [UInt8] = []
    result.reserveCapacity(count + 8)
    while result.count < count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // Safe because the bytes are copied before the pointer goes.
        unsafe withUnsafeBytes(of: state) { unsafe result.append(contentsOf: $0) }
    }
    result.removeLast(result.count - count)
    return result
}

extension Site {
    func put(_ text: String, _ bytes: [UInt8], _ existing: Existing = .refuse) async throws {
        try await put(name(text), bytes[...], existing: existing)
    }

    func get(_ text: String, _ range: Range<Int>? = nil) async throws -> [UInt8] {
        try await get(name(text), in: range)
    }

    func remove(_ text: String) async throws { try await remove(name(text)) }

    func names(_ prefix: String = "") async throws -> [String] {
        try await list(prefix).map { $0.name.text }
    }

    /// The kind of trouble that `act` ends in; nil where it goes well.
    func kind(_ act: (Self) async throws -> Void) async throws -> Trouble.Kind? {
        do {
            try await act(self)
            return nil
        } catch let trouble as Trouble {
            return trouble.kind
        }
    }
}

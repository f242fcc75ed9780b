// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// A site that is opened by whoever asks it first, so that one that hangs holds up nobody else. Where it
/// cannot be opened, everybody who asks is told why.
package final class LateSite: Site {
    package let label: String
    package let isFar: Bool
    private let open: @Sendable () async throws(Trouble) -> any Site
    private let opened = Mutex<(any Site)?>(nil)

    package init(_ label: String, isFar: Bool = false, opening open: @escaping @Sendable () async throws(Trouble) -> any Site) {
        (self.label, self.isFar, self.open) = (label, isFar, open)
    }

    private func site() async throws(Trouble) -> any Site {
        if let site = opened.withLock({ $0 }) { return site }
        let site = try await open()
        opened.withLock { $0 = site }
        return site
    }

    package func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        try await site().put(name, bytes, existing: existing)
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try await site().get(name, in: range)
    }

    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await site().list(prefix) }

    package func remove(_ name: ObjectName) async throws(Trouble) { try await site().remove(name) }

    package func erase(_ name: ObjectName) async throws(Trouble) { try await site().erase(name) }
}

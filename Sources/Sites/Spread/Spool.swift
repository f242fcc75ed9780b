// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization

/// What a site has to get later: sealed objects, on this machine, each durable before anybody
/// counts on it.
final class Spool: Sendable {
    private let path: [UInt8]
    private let state: Mutex<State>

    private struct State {
        var bytes: Int
        /// Whether what lies there from earlier runs is in it.
        var isCounted: Bool
        var site: DirectorySite?
    }

    private static let once = "once/"
    private static let over = "over/"
    private static let remove = "remove/"

    /// - Parameter path: of a directory of its own, which need not exist yet.
    init(_ path: [UInt8]) {
        self.path = path
        state = Mutex(State(bytes: 0, isCounted: !Machine.exists(path)))
    }

    var mayHoldSomething: Bool { state.withLock { $0.bytes > 0 || !$0.isCounted } }

    private func site() throws(Trouble) -> DirectorySite {
        if let open = state.withLock({ $0.site }) { return open }
        do throws(SystemError) { try Machine.makeDirectories(path) } catch {
            throw error.trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:"))
        }
        let open = try DirectorySite(opening: path)
        let there = try open.listed("").reduce(0) { $0 + max($1.size, 1) }
        state.withLock { state in
            if !state.isCounted { state.bytes += there }
            (state.isCounted, state.site) = (true, open)
        }
        return open
    }

    /// - Returns: false where there is no room for it: then the site lacks it until somebody repairs.
    func keep(_ coming: Lane.Coming) -> Bool {
        let count = max(coming.bytes.count, 1)
        let hasRoom = state.withLock { state in
            guard state.bytes + count <= SpreadLimits.spoolBytesMax else { return false }
            state.bytes += count
            return true
        }
        guard hasRoom else { return false }
        return store((coming.existing == .refuse ? Self.once : Self.over) + coming.name.text, coming.bytes)
    }

    func keepRemoval(of name: ObjectName) -> Bool {
        state.withLock { $0.bytes += 1 }
        return store(Self.remove + name.text, [])
    }

    private func store(_ name: String, _ bytes: ArraySlice<UInt8>) -> Bool {
        guard let name = ObjectName(name) else { return false }
        do throws(Trouble) {
            try site().store(name, bytes)
            return true
        } catch { return false }
    }

    /// Gives the site what is kept for it, and forgets what it has taken.
    ///
    /// - Returns: how many objects that were.
    func empty(into target: any Site) async throws(Trouble) -> Int {
        let kept = try site()
        var given = 0
        for folder in [Self.once, Self.over, Self.remove] {
            for entry in try await kept.list(folder) {
                guard let name = ObjectName(String(entry.name.text.dropFirst(folder.count))) else { continue }
                let bytes: [UInt8]
                do throws(Trouble) { bytes = try await kept.get(entry.name, in: nil) } catch {
                    // Another process was faster.
                    if error.kind == .missing { continue }
                    throw error
                }
                do throws(Trouble) {
                    switch folder {
                    case Self.remove: try await target.remove(name)
                    case Self.over: try await target.put(name, bytes[...], existing: .replace)
                    default: try await target.put(name, bytes[...], existing: .refuse)
                    }
                } catch {
                    // Here also where the site has taken it before its answer was lost. Where it has another
                    // of that name, comparing the sites tells.
                    guard error.kind == .exists else { throw error }
                }
                try await kept.remove(entry.name)
                given += 1
                state.withLock { $0.bytes -= max(entry.size, 1) }
            }
        }
        return given
    }
}

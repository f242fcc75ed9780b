// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Finds out by real writes what a site can do, since clouds say one thing and do another.
package struct SiteProbe: Sendable {
    package enum Ability: String, CaseIterable, Codable, Sendable {
        /// Gives back what was put.
        case keeping
        /// Gives a part of an object without the rest.
        case rangedReading = "ranged-reading"
        /// Of several writers of one name exactly one wins.
        case conditionalWriting = "conditional-writing"
        case replacing
        /// Shows what was put, at once.
        case listing
        /// Takes a large object in parts; of clouds only.
        case multipart
        /// What it gets can be taken away by nobody for a while; of clouds only.
        case locking
        case removing
    }

    package struct Result: Sendable {
        package let ability: Ability
        package let isThere: Bool
        /// The lock that it put on what it got, and for how many days it does so by itself.
        package let lock: (mode: SiteLock.Mode, days: Int)?
        /// What it said, where it refused.
        package let trouble: Trouble?
    }

    private let site: any Site
    private let world: World

    private static let writers = 6
    private static let rounds = 3
    private static let bytes = 300_000

    package init(_ site: any Site, world: World = .real) { (self.site, self.world) = (site, world) }

    /// What it makes lies below `probe/`, and goes where the site lets it.
    ///
    /// - Returns: each ability, in order.
    /// - Throws: where nothing can be put there at all.
    package func run() async throws(Trouble) -> [Result] {
        let run = world.random(8).hex
        func name(_ last: String) -> ObjectName {
            guard let name = ObjectName("probe/\(run)/\(last)") else { preconditionFailure("a plain name") }
            return name
        }
        let content = world.random(Self.bytes)
        let first = name("first")
        try await site.put(first, content[...], existing: .replace)
        var results = [
            await result(.keeping) { () throws(Trouble) in try await site.get(first, in: nil) == content },
            await result(.rangedReading) { () throws(Trouble) in
                try await site.get(first, in: 1000..<3000) == Array(content[1000..<3000])
            },
            await result(.conditionalWriting) { () throws(Trouble) in
                for round in 0..<Self.rounds where try await !isWonByOne(name("race-\(round)")) { return false }
                return try await isRefused(first)
            },
            await result(.replacing) { () throws(Trouble) in
                try await site.put(first, content[..<1000], existing: .replace)
                return try await site.get(first, in: nil) == Array(content[..<1000])
            },
            await result(.listing) { () throws(Trouble) in
                try await site.list("probe/\(run)/first") == [ObjectEntry(name: first, size: 1000)]
            },
        ]
        var names = [first] + (0..<Self.rounds).map { name("race-\($0)") }
        if let bucket = site as? S3Site {
            let parts = name("parts")
            names.append(parts)
            results.append(await result(.multipart) { () throws(Trouble) in try await bucket.canPutInParts(parts, world) })
            results.append(await locking(bucket, first))
        }
        results.append(
            await result(.removing) { () throws(Trouble) in
                for name in names { try await site.remove(name) }
                return try await site.list("probe/\(run)/").isEmpty
            })
        return results
    }

    private func result(_ ability: Ability, _ isSo: () async throws(Trouble) -> Bool) async -> Result {
        do throws(Trouble) { return Result(ability: ability, isThere: try await isSo(), lock: nil, trouble: nil) } catch {
            return Result(ability: ability, isThere: false, lock: nil, trouble: error)
        }
    }

    private func locking(_ bucket: S3Site, _ name: ObjectName) async -> Result {
        do throws(Trouble) {
            let rule = try await bucket.lockRule()
            // Only what was tried counts.
            guard rule != nil, try await bucket.lock(of: name) != nil, try await bucket.resists(name) else {
                return Result(ability: .locking, isThere: false, lock: rule, trouble: nil)
            }
            return Result(ability: .locking, isThere: true, lock: rule, trouble: nil)
        } catch { return Result(ability: .locking, isThere: false, lock: nil, trouble: error) }
    }

    private func isRefused(_ name: ObjectName) async throws(Trouble) -> Bool {
        do throws(Trouble) { try await site.put(name, [1], existing: .refuse) } catch {
            guard error.kind == .exists else { throw error }
            return true
        }
        return false
    }

    /// All at once, as only a real race shows it.
    private func isWonByOne(_ name: ObjectName) async throws(Trouble) -> Bool {
        let outcomes = await withTaskGroup(of: Swift.Result<Bool, Trouble>.self) { group in
            for writer in 0..<Self.writers {
                group.addTask {
                    do throws(Trouble) {
                        try await site.put(name, [UInt8(writer)], existing: .refuse)
                        return .success(true)
                    } catch { return error.kind == .exists ? .success(false) : .failure(error) }
                }
            }
            return await group.reduce(into: [Swift.Result<Bool, Trouble>]()) { $0.append($1) }
        }
        var winners = 0
        for outcome in outcomes where try outcome.get() { winners += 1 }
        return winners == 1
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Sites

/// What is wrong with the copies of a vault at its several sites, and what became of it.
package struct Copies: Sendable {
    package struct Finding: Sendable {
        package enum Fault: String, Sendable {
            case missing, damaged
            /// Somebody marked it as deleted, where nothing is ever gone at once: it can still be read.
            case deleted
            /// Right by itself, and another than at the sites before it: two have written one name.
            case differing
        }

        /// What became of it.
        package enum Outcome: Sendable {
            /// Nothing was to be done.
            case left
            case repaired(from: String)
            /// By whom it could not be repaired.
            case unrepaired(Trouble)
        }

        package let site: String
        package let object: ObjectName
        package let fault: Fault
        package let outcome: Outcome
        /// Where the damaged bytes lie now.
        package let setAside: ObjectName?
    }

    package var findings: [Finding] = []
    /// Sites that could not be looked at, with the reason; removable ones that are not plugged in too.
    package var unreached: [(site: String, isRemovable: Bool, trouble: Trouble)] = []
    /// Objects that each site has.
    package var counts: [String: Int] = [:]
    package var bytesRead: UInt64 = 0

    package struct Options: Sendable {
        /// Reads every byte of every copy, not only whether it is there.
        package var readsData = false
        package var repairs = false
        /// The only site that is repaired; all where nil.
        package var only: String?
        package var width = 8

        package init() {}
    }
}

extension Vault {
    /// Compares the copies at the sites of a spread, object by object, and repairs where asked:
    /// while the vault is in use, without any key, and only by adding. Damaged bytes are set aside.
    package func copies(
        at spread: SpreadSite, _ options: Copies.Options, report: @escaping @Sendable (VerifyProgress) -> Void
    ) async throws(Trouble) -> Copies {
        try await copies(at: spread.members, options, report: report)
    }

    package func copies(
        at members: [SpreadSite.Asked], _ options: Copies.Options, report: @escaping @Sendable (VerifyProgress) -> Void
    ) async throws(Trouble) -> Copies {
        var result = Copies()
        var shelves: [Shelf] = []
        let fixed = Set(keyring.plan.sites.filter { !$0.isRemovable }.map(\.name))
        let listings = await gathered(members) { member in
            do throws(Trouble) {
                return Result<(entries: [ObjectEntry], hidden: [ObjectName]), Trouble>.success(
                    (try await member.site.list(""), try await member.hidden()))
            } catch { return .failure(error) }
        }
        for (member, listing) in zip(members, listings) {
            switch listing {
            case .failure(let trouble): result.unreached.append((member.name, member.isRemovable, trouble))
            case .success(let (entries, hidden)):
                result.counts[member.name] = entries.count { Self.isKept($0.name) }
                shelves.append(
                    Shelf(
                        name: member.name, site: member.site, isFixed: fixed.contains(member.name),
                        sizes: Dictionary(entries.map { ($0.name, $0.size) }) { first, _ in first },
                        hidden: Set(hidden)))
            }
        }
        // A site that was away must not bring back what was taken away meanwhile.
        let removed = Set(try await readableStatements().removed.map(packName))
        let (work, all) = (objects(shelves).filter { !removed.contains($0.name) }, shelves)
        let meter = VerifyMeter(total: (work.count, work.reduce(0) { $0 + UInt64($1.bytes) }), report)
        // Content before what names it, so that each site is consistent by itself at any time.
        for group in Dictionary(grouping: work, by: \.rank).sorted(by: { $0.key < $1.key }).map(\.value) {
            let found = await gathered(group, width: options.width) { object in
                defer { meter.add(object.bytes) }
                return await check(object, all, options)
            }
            result.findings += found.flatMap(\.findings)
            for one in found.flatMap(\.unread) where !result.unreached.contains(where: { $0.site == one.site }) {
                result.unreached.append((one.site, !fixed.contains(one.site), one.trouble))
            }
        }
        result.bytesRead = options.readsData ? meter.bytes : 0
        return result
    }

    /// One site and what it says it has.
    private struct Shelf: Sendable {
        let name: String
        let site: any Site
        let isFixed: Bool
        let sizes: [ObjectName: Int]
        let hidden: Set<ObjectName>
    }

    private struct Kept: Sendable {
        let name: ObjectName
        let bytes: Int
        let rank: Int
    }

    /// Those that must lie everywhere.
    private func objects(_ shelves: [Shelf]) -> [Kept] {
        var sizes: [ObjectName: Int] = [:]
        for shelf in shelves { sizes.merge(shelf.sizes) { max($0, $1) } }
        return sizes.filter { Self.isKept($0.key) }.sorted { $0.key < $1.key }.compactMap { name, bytes in
            // One that was taken up is taken away, and may be left at a site that was not there then.
            if name.text.hasPrefix(Invitation.folder),
                ObjectName(Claim.folder + name.text.dropFirst(Invitation.folder.count)).map({ sizes[$0] != nil }) ?? false
            { return nil }
            // A unit that so many lack was removed when something else came to stand for it.
            let lacking = shelves.count { $0.isFixed && $0.sizes[name] == nil }
            let quorum = shelves.count(where: \.isFixed) - keyring.plan.rules.replicas + 1
            if name.text.hasPrefix("units/"), lacking >= max(quorum, 1) { return nil }
            return Kept(name: name, bytes: bytes, rank: Self.rank(name))
        }
    }

    /// What is set aside, or was written to try a site out, is no part of the vault.
    private static func isKept(_ name: ObjectName) -> Bool {
        !name.text.hasPrefix(setAside) && !name.text.hasPrefix("probe/")
    }

    private static let setAside = "set-aside/"

    private static func rank(_ name: ObjectName) -> Int {
        switch name.text.prefix(while: { $0 != "/" }) {
        case "packs": 0
        case "units": 1
        case "records": 2
        case "keyring", "keyring-copy": 4
        default: 3
        }
    }

    private struct Checked: Sendable {
        var findings: [Copies.Finding] = []
        var unread: [(site: String, trouble: Trouble)] = []
    }

    private func check(_ object: Kept, _ shelves: [Shelf], _ options: Copies.Options) async -> Checked {
        let sizes = Set(shelves.compactMap { $0.sizes[object.name] })
        // Of a record that two have written, what is copied elsewhere must not be the one that does not count.
        let isSpread = Self.rank(object.name) == 2 && shelves.contains { $0.sizes[object.name] == nil }
        let isSure = sizes.count == 1 && !options.readsData && !isSpread
        var faults: [(shelf: Shelf, fault: Copies.Finding.Fault, bytes: [UInt8]?)] = []
        var right: [(shelf: Shelf, bytes: [UInt8])] = []
        var unread: [(site: String, trouble: Trouble)] = []
        for shelf in shelves {
            guard shelf.sizes[object.name] != nil else {
                faults.append((shelf, .missing, nil))
                continue
            }
            if shelf.hidden.contains(object.name) { faults.append((shelf, .deleted, nil)) }
            if isSure { continue }
            switch await read(object.name, shelf) {
            case .success(let bytes):
                // Of what nobody can judge, no copy is better than another.
                guard let isRight = keyring.isRight(object.name, bytes) else { continue }
                if isRight { right.append((shelf, bytes)) } else { faults.append((shelf, .damaged, bytes)) }
            case .failure(let trouble):
                // One that does not answer has no fault that can be told; one that was removed since, none.
                if trouble.kind == .damaged { faults.append((shelf, .damaged, nil)) } else if trouble.kind != .missing {
                    unread.append((shelf.name, trouble))
                }
            }
        }
        var good = Self.most(right, of: object.name).map { (bytes: $0.bytes, from: $0.shelf.name) }
        for one in right where one.bytes != good?.bytes { faults.append((one.shelf, .differing, nil)) }
        let isMeant = { (shelf: Shelf) in options.repairs && (options.only ?? shelf.name) == shelf.name }
        if good == nil, faults.contains(where: { isMeant($0.shelf) }) {
            for (shelf, fault, _) in faults where fault == .damaged {
                guard let bytes = await earlier(object.name, shelf) else { continue }
                good = (bytes, shelf.name)
                break
            }
            for shelf in shelves where good == nil && isSure && shelf.sizes[object.name] != nil {
                guard case .success(let bytes) = await read(object.name, shelf), keyring.isRight(object.name, bytes) ?? true else { continue }
                good = (bytes, shelf.name)
                break
            }
        }
        var findings: [Copies.Finding] = []
        for (shelf, fault, bytes) in faults {
            guard isMeant(shelf), fault != .differing else {
                findings.append(.init(site: shelf.name, object: object.name, fault: fault, outcome: .left, setAside: nil))
                continue
            }
            findings.append(await repair(object.name, shelf, fault, bytes, good))
        }
        return Checked(findings: findings, unread: unread)
    }

    /// As whoever reads a chain takes it (`Chain`): a copy of what is nowhere else must not become the rule.
    private static func most(_ right: [(shelf: Shelf, bytes: [UInt8])], of name: ObjectName) -> (shelf: Shelf, bytes: [UInt8])? {
        let counts = right.map { one in right.count { $0.bytes == one.bytes } }
        let most = right.indices.filter { counts[$0] == counts.max() }
        return (name.text.hasPrefix("records/") ? most.last : most.first).map { right[$0] }
    }

    private func read(_ name: ObjectName, _ shelf: Shelf) async -> Result<[UInt8], Trouble> {
        do throws(Trouble) { return .success(try await shelf.site.get(name, in: nil)) } catch { return .failure(error) }
    }

    /// One that was written over, and is right.
    private func earlier(_ name: ObjectName, _ shelf: Shelf) async -> [UInt8]? {
        do throws(Trouble) {
            let bytes = try await shelf.site.get(name, in: nil) { keyring.isRight(name, $0) == true }
            return keyring.isRight(name, bytes) == true ? bytes : nil
        } catch { return nil }
    }

    private func repair(
        _ name: ObjectName, _ shelf: Shelf, _ fault: Copies.Finding.Fault, _ damaged: [UInt8]?,
        _ good: (bytes: [UInt8], from: String)?
    ) async -> Copies.Finding {
        var aside: ObjectName?
        do throws(Trouble) {
            guard let good else { throw .nowhereRight(name) }
            if let damaged, let place = ObjectName(Self.setAside + Sealing.hash(damaged).short + "/" + name.text) {
                try await shelf.site.put(place, damaged[...], existing: .replace)
                aside = place
            }
            try await shelf.site.put(name, good.bytes[...], existing: fault == .damaged ? .replace : .refuse)
            return Copies.Finding(
                site: shelf.name, object: name, fault: fault, outcome: .repaired(from: good.from), setAside: aside)
        } catch {
            // Somebody was faster.
            if error.kind == .exists, let good {
                return Copies.Finding(
                    site: shelf.name, object: name, fault: fault, outcome: .repaired(from: good.from), setAside: aside)
            }
            return Copies.Finding(site: shelf.name, object: name, fault: fault, outcome: .unrepaired(error), setAside: aside)
        }
    }
}

extension Trouble {
    fileprivate static func nowhereRight(_ name: ObjectName) -> Trouble {
        Trouble(
            .damaged,
            Words("No site has \(name) as it was put.", de: "Kein Standort hat \(name), wie es abgelegt wurde."),
            advice: Words(
                "Plug in a removable site if there is one; else protect again, which stores anew what is missing.",
                de: "Einen Wechselstandort anschließen, falls es einen gibt; sonst erneut sichern, das speichert Fehlendes neu."))
    }
}

extension Vault {
    /// Makes an empty site known as a place of this vault, before anything else lies there.
    package func introduce(to site: any Site) async throws(Trouble) {
        let first = try await object(Keyring.name(1), upTo: Limits.statementBytesMax)
        try await site.put(Keyring.name(1), first[...], existing: .replace)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// The pack lists of one writer's records. They lie in one array: a chain of references would need as deep a
/// stack to be let go of, and a hostile writer makes it as long as it likes.
final class PackLists: Sendable {
    struct Change: Sendable {
        let before: Int?
        let added: [PackReference]
        let removed: [Digest]
    }

    private let changes = Mutex<[Change]>([])

    func add(after before: PackList?, adding added: [PackReference], removing removed: [Digest]) -> PackList {
        changes.withLock {
            $0.append(Change(before: before?.index, added: added, removed: removed))
            return PackList(all: self, index: $0.count - 1)
        }
    }

    fileprivate subscript(index: Int) -> Change { changes.withLock { $0[index] } }
}

/// The packs of a record, as a change to those of an earlier one of the same writer.
struct PackList: Hashable, Sendable {
    fileprivate let all: PackLists
    fileprivate let index: Int

    var change: PackLists.Change { all[index] }
    var before: PackList? { change.before.map { PackList(all: all, index: $0) } }

    var packs: [PackReference] {
        var result: [PackReference] = []
        var seen: Set<Digest> = []
        PackList.each(in: [self]) { if seen.insert($0.name).inserted { result.append($0) } }
        return result
    }

    /// Every pack of at least one of these lists, some of them several times: no list that rests on
    /// another of them is gone through whole.
    static func each(in lists: [PackList], _ body: (PackReference) -> Void) {
        let given = Set(lists)
        for list in lists {
            var gone: Set<Digest> = []
            var next: PackList? = list
            while let one = next {
                let change = one.change
                for pack in change.added where !gone.contains(pack.name) { body(pack) }
                gone.formUnion(change.removed)
                next = one.before.flatMap { given.contains($0) ? nil : $0 }
            }
        }
    }

    static func == (one: PackList, other: PackList) -> Bool { one.all === other.all && one.index == other.index }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(all))
        hasher.combine(index)
    }
}

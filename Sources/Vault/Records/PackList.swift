// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The packs of a record, as a change to those of an earlier one.
final class PackList: Sendable {
    let before: PackList?
    let added: [PackReference]
    let removed: [Digest]

    init(after before: PackList?, adding added: [PackReference], removing removed: [Digest]) {
        (self.before, self.added, self.removed) = (before, added, removed)
    }

    var packs: [PackReference] {
        var result: [PackReference] = []
        var seen: Set<Digest> = []
        PackList.each(in: [self]) { if seen.insert($0.name).inserted { result.append($0) } }
        return result
    }

    /// Every pack of at least one of these lists, some of them several times: no list that rests on
    /// another of them is gone through whole.
    static func each(in lists: [PackList], _ body: (PackReference) -> Void) {
        let given = Set(lists.map(ObjectIdentifier.init))
        for list in lists {
            var gone: Set<Digest> = []
            var next: PackList? = list
            while let one = next {
                for pack in one.added where !gone.contains(pack.name) { body(pack) }
                gone.formUnion(one.removed)
                next = one.before.flatMap { given.contains(ObjectIdentifier($0)) ? nil : $0 }
            }
        }
    }
}

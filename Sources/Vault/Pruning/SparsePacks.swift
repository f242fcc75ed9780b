// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Packs of which kept snapshots take little, as their writers have said: a steward reads no content.
///
/// What the snapshots of one data set take of an old pack is mostly the same, and becomes less, so the most
/// that one of them takes counts; what several data sets take is added up. A record that says nothing of a pack
/// takes all of it. If that is wrong, or a writer lies, a little is stored twice, or stays: nothing is lost,
/// since a pack that is emptied goes no sooner than the last snapshot that names it.
struct SparsePacks {
    /// Those worth emptying, and how much of each is taken, in percent of its content.
    let taken: [Digest: Int]

    /// - Parameter percent: of its content, what may be taken of a pack.
    init(in kept: [Observed.Fact], below percent: Int) {
        struct Group: Hashable {
            let writer: Identifier
            let dataSet: String
        }
        let groups = Dictionary(grouping: kept) { Group(writer: $0.writer.id, dataSet: $0.body.dataSet) }
            .mapValues { $0.sorted { $0.sequence < $1.sequence } }
        // On what the newest snapshot does not name, nothing more is built as it is.
        var said: Set<UInt64> = []
        for facts in groups.values {
            guard let newest = facts.last(where: { $0.body.kind == .snapshot }), case .active = newest.writer.state else { continue }
            said.formUnion(newest.body.sparse.filter { $0.percent < percent }.map(\.pack))
        }
        var taken: [Digest: Int] = [:]
        var named: [PackList: Set<Digest>] = [:]
        func packs(of list: PackList) -> Set<Digest> {
            var way: [PackList] = []
            var next: PackList? = list
            while let one = next, named[one] == nil {
                way.append(one)
                next = one.before
            }
            var result = next.flatMap { named[$0] } ?? []
            for one in way.reversed() {
                let change = one.change
                result.subtract(change.removed)
                result.formUnion(change.added.lazy.map(\.name).filter { said.contains(RecordBody.Sparse.short($0)) })
            }
            named[list] = result
            return result
        }
        for facts in groups.values where !said.isEmpty {
            var most: [Digest: Int] = [:]
            for fact in facts {
                let percents = Dictionary(fact.body.sparse.map { ($0.pack, Int($0.percent)) }, uniquingKeysWith: max)
                for pack in packs(of: fact.list) { most[pack] = max(most[pack] ?? 0, percents[RecordBody.Sparse.short(pack)] ?? 100) }
            }
            taken.merge(most, uniquingKeysWith: +)
        }
        self.taken = taken.filter { $0.value < percent }
    }
}

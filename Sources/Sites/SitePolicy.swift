// SPDX-License-Identifier: EUPL-1.2

/// What a vault survives, by where its copies lie and what its rules promise.
package struct SitePolicy: Sendable {
    /// Something that could go, with the sites that go with it.
    package enum Loss: Hashable, Sendable {
        case anyOneSite
        case anyOneOperator
        /// All sites that the law of that country or union reaches.
        case law(String)
        case allOutsideUnion
        /// All that a network leads to.
        case allConnected
    }

    package enum Outcome: String, Sendable {
        /// Every moment that was called stored.
        case nothingLost = "nothing-lost"
        /// All but what the sites that stay had not got yet.
        case newestMayBeLost = "newest-may-be-lost"
        /// What a removable site got when it was plugged in last.
        case offlineOnly = "offline-only"
        case allLost = "all-lost"
    }

    package let sites: [SiteFacts]
    package let rules: SiteRules

    package init(_ sites: [SiteFacts], _ rules: SiteRules) { (self.sites, self.rules) = (sites, rules) }

    /// Each loss that says something about these sites, and the worst that it leads to.
    package var outcomes: [(loss: Loss, outcome: Outcome)] {
        var losses: [Loss] = [.anyOneSite]
        if sites.contains(where: { !$0.operatorName.isEmpty }) { losses.append(.anyOneOperator) }
        losses += Set(sites.map(\.jurisdiction)).filter { !$0.isEmpty }.sorted().map { .law($0) }
        if sites.contains(where: { !$0.jurisdiction.isEmpty && !Jurisdiction.isWithinUnion($0.jurisdiction) }) {
            losses.append(.allOutsideUnion)
        }
        losses.append(.allConnected)
        return losses.map { ($0, worst($0)) }
    }

    private func worst(_ loss: Loss) -> Outcome {
        let order: [Outcome] = [.allLost, .offlineOnly, .newestMayBeLost, .nothingLost]
        let found = Set(groups(loss).map(outcome(without:)))
        return order.first { found.contains($0) } ?? .nothingLost
    }

    /// What goes at once, for each way in which the loss can happen.
    private func groups(_ loss: Loss) -> [[SiteFacts]] {
        switch loss {
        case .anyOneSite: sites.map { [$0] }
        // Nobody knows who runs the others: each may be run by somebody else.
        case .anyOneOperator: Dictionary(grouping: sites) { $0.operatorName.isEmpty ? $0.name : $0.operatorName }.map(\.value)
        case .law(let law): [sites.filter { $0.jurisdiction == law }]
        case .allOutsideUnion: [sites.filter { !Jurisdiction.isWithinUnion($0.jurisdiction) }]
        case .allConnected: [sites.filter { !$0.isRemovable }]
        }
    }

    private func outcome(without gone: [SiteFacts]) -> Outcome {
        let left = sites.filter { !gone.contains($0) }
        if gone.count(where: { !$0.isRemovable }) < rules.replicas { return .nothingLost }
        if left.contains(where: { !$0.isRemovable }) { return .newestMayBeLost }
        return left.isEmpty ? .allLost : .offlineOnly
    }
}

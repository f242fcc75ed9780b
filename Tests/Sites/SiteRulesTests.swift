// SPDX-License-Identifier: EUPL-1.2
import Sites
import Testing

@Suite("What must hold of sites")
struct SiteRulesTests {
    private let home = SiteFacts(address: "/a", name: "home", operatorName: "Town", country: "DE", jurisdiction: "DE", lockDays: 30)
    private let cloud = SiteFacts(address: "s3://b", name: "cloud", operatorName: "Cloud SE", country: "DE", jurisdiction: "EU")
    private let far = SiteFacts(address: "s3://c", name: "far", operatorName: "Cloud SE", country: "DE", jurisdiction: "US")
    private let disk = SiteFacts(address: "/d", name: "disk", isRemovable: true)

    private func broken(_ change: (inout SiteRules) -> Void, _ sites: SiteFacts...) -> [String] {
        var rules = SiteRules()
        change(&rules)
        return rules.breaches(sites).map { "\($0.rule): \($0.words.english)" }
    }

    @Test("Each rule that does not hold is named, with the sites")
    func rules() {
        #expect(broken({ _ in }, home).isEmpty)
        #expect(broken({ $0.replicas = 2 }, home, disk) == ["replicas 2: 2 copies are asked for, and there are 1 sites that are always there"])
        #expect(broken({ $0.jurisdictions = ["EU"] }, home, cloud).isEmpty)
        #expect(broken({ $0.jurisdictions = ["EU"] }, home, far) == ["jurisdictions EU: the law of US reaches \"far\""])
        #expect(broken({ $0.jurisdictions = ["DE"] }, cloud) == ["jurisdictions DE: the law of EU reaches \"cloud\""])
        #expect(broken({ $0.jurisdictions = ["EU"] }, home, disk) == ["jurisdictions EU: nobody said whose law reaches \"disk\""])
        #expect(broken({ $0.oneForEachOperator = true }, home, cloud, far) == ["one-per-operator: \"cloud\" and \"far\" are both run by Cloud SE"])
        #expect(broken({ $0.offline = 1 }, home) == ["offline 1: 1 removable sites are asked for, and there are 0"])
        #expect(broken({ $0.offline = 1 }, home, disk).isEmpty)
        #expect(broken({ $0.lockDays = 30 }, home, cloud, disk) == ["lock-days 30: \"cloud\" locks what it gets for 0 days"])
        var rules = SiteRules()
        rules.categories = ["D4": ["DE", "EEA"]]
        #expect(rules.breaches([home, cloud, far], of: "D4").map(\.site) == [far])
        #expect(rules.breaches([far], of: "D2").isEmpty)
        #expect(Jurisdiction.covers(["EEA"], "NO") && !Jurisdiction.covers(["EU"], "NO"))
    }

    @Test("What is survived is told by the worst case")
    func policy() {
        func outcome(_ loss: SitePolicy.Loss, _ replicas: Int, _ sites: SiteFacts...) -> SitePolicy.Outcome? {
            var rules = SiteRules()
            rules.replicas = replicas
            return SitePolicy(sites, rules).outcomes.first { $0.loss == loss }?.outcome
        }
        #expect(outcome(.anyOneSite, 1, home) == .allLost)
        #expect(outcome(.anyOneSite, 1, home, cloud) == .newestMayBeLost)
        #expect(outcome(.anyOneSite, 2, home, cloud) == .nothingLost)
        #expect(outcome(.anyOneSite, 1, home, disk) == .offlineOnly)
        #expect(outcome(.anyOneOperator, 2, home, cloud, far) == .newestMayBeLost)
        #expect(outcome(.anyOneOperator, 2, cloud, far) == .allLost)
        #expect(outcome(.law("US"), 2, home, cloud, far) == .nothingLost)
        #expect(outcome(.allOutsideUnion, 1, home, far) == .newestMayBeLost)
        #expect(outcome(.allOutsideUnion, 1, home, cloud) == nil)
        #expect(outcome(.allConnected, 1, home, disk) == .offlineOnly)
    }
}

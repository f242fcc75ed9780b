// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

/// How the copies of a vault at its sites compare, for people and programs.
struct CopiesReport {
    private let copies: Copies
    private let plan: SitePlan

    init(_ copies: Copies, plan: SitePlan) { (self.copies, self.plan) = (copies, plan) }

    struct FindingFields: Encodable {
        let object: String
        let fault: String
        let repairedFrom: String?
        let setAside: String?
        let message: String?

        init(_ finding: Copies.Finding) {
            (object, fault, setAside) = (finding.object.text, finding.fault.rawValue, finding.setAside?.text)
            switch finding.outcome {
            case .left: (repairedFrom, message) = (nil, nil)
            case .repaired(let from): (repairedFrom, message) = (from, nil)
            case .unrepaired(let trouble): (repairedFrom, message) = (nil, say(trouble.message))
            }
        }
    }

    struct Fields: Encodable { let sites: [SiteFields] }

    /// - Parameter filling: the one that was to be filled; all where nil.
    func show(_ output: OutputOptions, filling name: String?) throws {
        try output.json ? showJSON(fields) : zwilling.show(lines)
        tellFindings(isFilling: name != nil)
        if isAmiss(name) { throw ExitCode(1) }
    }

    var fields: Fields {
        Fields(
            sites: plan.sites.map { site in
                SiteFields(
                    site, objects: copies.counts[site.name],
                    trouble: copies.unreached.first { $0.site == site.name }.map { say($0.trouble.message) },
                    findings: findings(site.name).map(FindingFields.init))
            })
    }

    private func findings(_ name: String) -> [Copies.Finding] { copies.findings.filter { $0.site == name } }

    private func isRepaired(_ finding: Copies.Finding) -> Bool {
        if case .repaired = finding.outcome { true } else { false }
    }

    var openCount: Int { copies.findings.count { !isRepaired($0) } + copies.unreached.count { !$0.isRemovable } }

    /// A removable site that is not here, or was not filled, is as it should be.
    func isAmiss(_ name: String?) -> Bool {
        plan.sites.contains { site in
            guard name == nil ? !site.isRemovable : site.name == name else { return false }
            return copies.unreached.contains { $0.site == site.name } || findings(site.name).contains { !isRepaired($0) }
        }
    }

    var lines: [String] {
        plan.sites.flatMap { site -> [String] in
            let facts = [
                site.operatorName, site.country, site.jurisdiction.isEmpty ? "" : say("law of \(site.jurisdiction)", de: "Recht: \(site.jurisdiction)"),
                site.isRemovable ? say("removable", de: "Wechselstandort") : "",
                site.lockDays > 0 ? say("locked for \(site.lockDays) days", de: "gesperrt für \(site.lockDays) Tage") : "",
            ].filter { !$0.isEmpty }.joined(separator: ", ")
            return ["\(plain(site.name))  \(plain(site.address))" + (facts.isEmpty ? "" : "  (\(plain(facts)))"), "  " + standing(site)]
        }
    }

    private func standing(_ site: SiteFacts) -> String {
        if let unreached = copies.unreached.first(where: { $0.site == site.name }) { return say(unreached.trouble.message) }
        let all = findings(site.name)
        let (repaired, open) = (all.count(where: isRepaired), all.count { !isRepaired($0) })
        let has = objects(copies.counts[site.name] ?? 0)
        if repaired > 0 || open > 0 {
            return has + (repaired > 0 ? say(", repaired \(figure(repaired))", de: ", wiederhergestellt \(figure(repaired))") : "")
                + (open > 0 ? say(", lacking \(figure(open))", de: ", es fehlen \(figure(open))") : "")
        }
        return has + say(", complete", de: ", vollständig")
    }

    private func objects(_ count: Int) -> String { say("\(figure(count)) objects", de: "\(figure(count)) Objekte") }

    private static let told = 10

    /// Each by its name, on standard error.
    ///
    /// - Parameter isFilling: what a site that is filled lacks is all there is, so that some names do.
    func tellFindings(isFilling: Bool = false) {
        var filled = 0
        for finding in copies.findings {
            if isFilling, finding.fault == .missing, isRepaired(finding) {
                filled += 1
                if filled > Self.told { continue }
            }
            let what: String
            switch finding.fault {
            case .missing: what = say("was missing", de: "fehlte")
            case .deleted: what = say("was marked as deleted", de: "war als gelöscht markiert")
            case .damaged: what = say("was damaged", de: "war beschädigt")
            case .differing: what = say("is another one than at other sites: two have written this name", de: "ist ein anderes als an anderen Standorten: Zwei haben diesen Namen geschrieben")
            }
            let place = "\(plain(finding.site)): \(finding.object.text) \(what)"
            switch finding.outcome {
            case .left: tell(place)
            case .repaired(let from):
                let aside = finding.setAside.map { say("; the damaged bytes lie in \($0.text)", de: "; die beschädigten Bytes liegen in \($0.text)") }
                tell(place + say(", put again from \(plain(from))", de: ", neu geschrieben von \(plain(from))") + (aside ?? ""))
            case .unrepaired(let trouble): tell("\(place): \(say(trouble.message))")
            }
        }
        if filled > Self.told { tell(say("… and \(figure(filled - Self.told)) more", de: "… und \(figure(filled - Self.told)) weitere")) }
    }
}

/// One site for programs.
struct SiteFields: Encodable {
    let name, address, `operator`, country, jurisdiction: String
    let certificates: [String]
    let failsafe: Int?
    let removable: Bool
    let lockDays: Int
    let objects: Int?
    let trouble: String?
    let findings: [CopiesReport.FindingFields]

    init(_ site: SiteFacts, objects: Int? = nil, trouble: String? = nil, findings: [CopiesReport.FindingFields] = []) {
        (name, address, `operator`) = (site.name, site.address, site.operatorName)
        (country, jurisdiction, certificates) = (site.country, site.jurisdiction, site.certificates)
        failsafe = site.failsafeLevel == 0 ? nil : Int(site.failsafeLevel)
        (removable, lockDays, self.objects, self.trouble) = (site.isRemovable, Int(site.lockDays), objects, trouble)
        self.findings = findings
    }
}

/// The rules for programs.
struct RuleFields: Encodable {
    let replicas: Int
    let jurisdictions: [String]
    let onePerOperator: Bool
    let offline: Int
    let lockDays: Int
    let categories: [String: [String]]

    init(_ rules: SiteRules) {
        (replicas, jurisdictions, onePerOperator) = (rules.replicas, rules.jurisdictions, rules.oneForEachOperator)
        (offline, lockDays, categories) = (rules.offline, Int(rules.lockDays), rules.categories)
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Sites
import Vault

/// Whether every data set may lie at every site of the vault.
struct SiteGate {
    let findings: [Finding]

    init(_ institution: Institution, _ plan: SitePlan) {
        findings = institution.siteFindings { category in
            plan.rules.breaches(plan.sites, of: category).map { ($0.site.name, $0.words) }
        }
    }

    /// By what this machine noted of the vault when it saw it last; nothing where it knows none.
    init(known institution: Institution, _ options: VaultOptions) {
        do throws(Trouble) {
            let states = try StateDirectory()
            let place = try options.place(in: states, orElse: institution.vault?.value)
            self.init(institution, try VaultSites(states).remembered(place)?.plan() ?? SitePlan())
        } catch {
            // Which vault it will be is asked when something is protected.
            self.init(institution, SitePlan())
        }
    }

    /// Before anything is put.
    func check() throws(Trouble) {
        guard let first = findings.first else { return }
        throw Trouble(.wrongUse, first.message, advice: first.remedy)
    }
}

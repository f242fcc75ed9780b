// SPDX-License-Identifier: EUPL-1.2

/// What an institution says of one of its sites; root signs it in the keyring.
package struct SiteFacts: Hashable, Sendable {
    /// A path, `s3://…` or `sftp://…`.
    package let address: String
    /// What people call it; unique within a vault.
    package var name: String
    /// Who runs it, such as "IONOS SE".
    package var operatorName: String
    /// Where it stands: ISO 3166-1 alpha-2, such as DE; empty where nobody said.
    package var country: String
    /// Whose law its operator obeys: a country, EU or EEA; empty where nobody said.
    package var jurisdiction: String
    /// Such as "C5:2026" or "ISO 27001".
    package var certificates: [String]
    /// What its copies survive by themselves, 1 to 4 (SCS-0118: disk, rack, site, destruction of a
    /// site); 0 where nobody said.
    package var failsafeLevel: UInt8
    /// A disk that is plugged in now and then.
    package var isRemovable: Bool
    /// For how many days its lock lets nobody delete; 0 for none.
    package var lockDays: UInt16

    package init(
        address: String, name: String, operatorName: String = "", country: String = "", jurisdiction: String = "",
        certificates: [String] = [], failsafeLevel: UInt8 = 0, isRemovable: Bool = false, lockDays: UInt16 = 0
    ) {
        (self.address, self.name, self.operatorName) = (address, name, operatorName)
        (self.country, self.jurisdiction, self.certificates) = (country, jurisdiction, certificates)
        (self.failsafeLevel, self.isRemovable, self.lockDays) = (failsafeLevel, isRemovable, lockDays)
    }
}

/// Laws by which a site may be reached.
package enum Jurisdiction {
    /// Members of the European Union, 2026 (Article 52 of the Treaty on European Union).
    private static let union: Set<String> = [
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    ]
    /// Beyond the Union (Agreement on the European Economic Area).
    private static let areaBeyond: Set<String> = ["IS", "LI", "NO"]

    /// Two capital letters, or EEA.
    package static func isOne(_ text: String) -> Bool {
        text == "EEA" || (text.utf8.count == 2 && text.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
    }

    package static func isWithinUnion(_ code: String) -> Bool { code == "EU" || union.contains(code) }

    /// Whether what `allowed` names covers `code`: EU covers its members, EEA them and three more.
    package static func covers(_ allowed: [String], _ code: String) -> Bool {
        allowed.contains { one in
            one == code || (one == "EU" && isWithinUnion(code))
                || (one == "EEA" && (isWithinUnion(code) || areaBeyond.contains(code)))
        }
    }
}

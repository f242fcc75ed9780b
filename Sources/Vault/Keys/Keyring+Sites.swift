// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// Where the objects of a vault lie, and what must hold of that (docs/format.md, section 5): an
/// extension of the keyring, and a critical one, since a writer that passed over it would call
/// stored what is not.
package struct SitePlan: Hashable, Sendable {
    /// In the order in which they decide who wins a name; none where the vault lies at one site only.
    package var sites: [SiteFacts] = []
    package var rules = SiteRules()

    package init() {}

    static let tag = 1

    /// How much of it one keyring may hold.
    private static let sitesMax = 64

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.varint(sites.count)
        for site in sites {
            for text in [site.address, site.name, site.operatorName, site.country, site.jurisdiction] { writer.text(text) }
            writer.varint(site.certificates.count)
            for one in site.certificates { writer.text(one) }
            writer.u8(site.failsafeLevel)
            writer.u8(site.isRemovable ? 1 : 0)
            writer.varint(Int(site.lockDays))
        }
        writer.varint(rules.replicas)
        Self.write(rules.jurisdictions, to: &writer)
        writer.u8(rules.oneForEachOperator ? 1 : 0)
        writer.varint(rules.offline)
        writer.varint(Int(rules.lockDays))
        writer.varint(rules.categories.count)
        for (category, allowed) in rules.categories.sorted(by: { $0.key < $1.key }) {
            writer.text(category)
            Self.write(allowed, to: &writer)
        }
        return writer.bytes
    }

    private static func write(_ texts: [String], to writer: inout ByteWriter) {
        writer.varint(texts.count)
        for text in texts { writer.text(text) }
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        sites = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            let address = try reader.text(upTo: 4096)
            return SiteFacts(
                address: address, name: try reader.text(upTo: 255), operatorName: try reader.text(upTo: 255),
                country: try reader.text(upTo: 3), jurisdiction: try reader.text(upTo: 3),
                certificates: try Self.texts(&reader), failsafeLevel: try reader.u8(), isRemovable: try reader.flag(),
                lockDays: UInt16(try reader.number(upTo: Int(UInt16.max))))
        }
        rules.replicas = try reader.number(upTo: Self.sitesMax)
        rules.jurisdictions = try Self.texts(&reader)
        rules.oneForEachOperator = try reader.flag()
        rules.offline = try reader.number(upTo: Self.sitesMax)
        rules.lockDays = UInt16(try reader.number(upTo: Int(UInt16.max)))
        let pairs = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.text(upTo: 16), try Self.texts(&reader))
        }
        rules.categories = Dictionary(pairs) { first, _ in first }
        try reader.end()
        let fixed = sites.count { !$0.isRemovable }
        guard sites.count <= Self.sitesMax, Set(sites.map(\.name)).count == sites.count,
            sites.isEmpty || (fixed > 0 && (1...fixed).contains(rules.replicas))
        else { throw Malformed("a plan of sites that cannot hold", at: 0) }
    }

    private static func texts(_ reader: inout ByteReader) throws(Malformed) -> [String] {
        try reader.list { (reader: inout ByteReader) throws(Malformed) in try reader.text(upTo: 255) }
    }
}

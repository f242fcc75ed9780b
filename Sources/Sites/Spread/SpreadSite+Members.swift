// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The sites of a spread, each by itself.
extension SpreadSite {
    package struct Asked: Sendable {
        package let name: String
        package let site: any Site
        package let isRemovable: Bool
        package let standing: Standing
        let bucket: S3Site?

        /// What somebody marked as deleted, where nothing is ever gone at once.
        package func hidden() async throws(Trouble) -> [ObjectName] { try await bucket?.hidden() ?? [] }
    }

    package var members: [Asked] {
        lanes.map {
            Asked(
                name: $0.name, site: AskedSite(lane: $0, patience: patience.put), isRemovable: $0.isRemovable,
                standing: $0.standing, bucket: $0.site as? S3Site)
        }
    }

    /// What another was put in front of.
    func earlier(
        _ name: ObjectName, in range: Range<Int>?, _ lane: Lane, _ number: Int, _ accepting: @Sendable ([UInt8]) -> Bool
    ) async -> [UInt8]? {
        for back in 1...SiteLimits.earlierMax {
            let round = Round<[UInt8]?>()
            round.ask(lane, number: number) { site throws(Trouble) in try await site.earlier(name, in: range, back: back) }
            round.ring(after: patience.answer)
            guard case .answer(_, .success(let bytes?))? = await round.next() else { return nil }
            if accepting(bytes) { return bytes }
        }
        return nil
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The sites of a spread, each by itself.
extension SpreadSite {
    package struct Asked: Sendable {
        package let name: String
        package let site: any Site
        package let isRemovable: Bool
        package let standing: Standing
        var bucket: S3Site?

        package init(name: String, site: any Site, isRemovable: Bool = false, standing: Standing = Standing()) {
            (self.name, self.site, self.isRemovable, self.standing) = (name, site, isRemovable, standing)
        }

        /// What somebody marked as deleted, where nothing is ever gone at once.
        package func hidden() async throws(Trouble) -> [ObjectName] { try await bucket?.hidden() ?? [] }
    }

    package var members: [Asked] {
        lanes.map {
            var asked = Asked(
                name: $0.name, site: AskedSite(lane: $0, patience: patience.put), isRemovable: $0.isRemovable, standing: $0.standing)
            asked.bucket = $0.site as? S3Site
            return asked
        }
    }

    /// At every site that can be reached; whoever erases looks again later what is left at the others.
    package func erase(_ name: ObjectName) async throws(Trouble) {
        let results = await gathered(lanes.filter { !$0.isResting }) { lane in
            do throws(Trouble) {
                try await AskedSite(lane: lane, patience: self.patience.put).erase(name)
                return Trouble?.none
            } catch { return error }
        }
        let troubles = results.compactMap { $0 }
        let isNowhere = troubles.count == results.count
        if let trouble = troubles.first(where: { isNowhere || $0.kind == .denied || $0.kind == .readOnly }) { throw trouble }
    }

    /// In the order of the plan.
    package func copies(of name: ObjectName, upTo max: Int) async throws(Trouble) -> [[UInt8]] {
        let results = await gathered(lanes.filter { !$0.isResting }) { lane in
            do throws(Trouble) { return Optional(try await AskedSite(lane: lane, patience: self.patience.listing).get(name, in: 0..<max + 1)) } catch { return nil }
        }
        return results.compactMap(\.self)
    }

    /// What another was put in front of, at whichever site has it.
    func earlier(
        _ name: ObjectName, in range: Range<Int>?, _ accepting: @Sendable ([UInt8]) -> Bool
    ) async -> [UInt8]? {
        for lane in lanes where !lane.isResting {
            let site = AskedSite(lane: lane, patience: patience.answer)
            do throws(Trouble) {
                for version in try await site.versions(of: name) {
                    do throws(Trouble) {
                        let bytes = try await site.get(name, in: range, version: version)
                        if accepting(bytes) { return bytes }
                    } catch { continue }
                }
            } catch { continue }
        }
        return nil
    }
}

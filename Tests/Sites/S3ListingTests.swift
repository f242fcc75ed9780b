// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing

@Suite("A long listing of a bucket", .enabled(if: Cloud.isPossible(.seaweed)))
struct S3ListingTests {
    /// With the count of objects that a vault of so many snapshots needs (BundleTests), this bounds what
    /// `zwilling snapshots` asks of a cloud.
    @Test("takes one request for each thousand names")
    func pages() async throws {
        let cloud = try Cloud.good.get()
        let line = try await FaultyLine(to: cloud.port, [.none])
        let bucket = "pages-\(UUID().uuidString.lowercased())"
        try #require(try cloud.request("PUT", bucket).status == 200)
        let site = try S3Site(S3Address("s3+http://127.0.0.1:\(line.port)/\(bucket)/vault"), with: Cloud.owner)
        let names = (1...2_100).compactMap { ObjectName("records/w/\($0 + 100_000)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<8 {
                group.addTask {
                    for name in names.indices where name % 8 == part { try await site.put(names[name], [1], existing: .replace) }
                }
            }
            try await group.waitForAll()
        }
        // The first one also asks whether the bucket keeps versions.
        #expect(try await site.list("records/w/").count == names.count)
        let before = line.requests
        #expect(try await site.list("records/w/").map(\.name) == names)
        #expect(line.requests - before == 3)
        try await line.end()
    }
}

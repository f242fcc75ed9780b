// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing

@Suite("A cloud over TLS", .enabled(if: Cloud.isPossible(.rclone)))
struct S3TrustTests {
    @Test("is let in only by a certificate that is trusted, and that is its own")
    func trust() async throws {
        try await withDirectory { directory in
            let folder = URL(fileURLWithPath: directory)
            let own = try Cloud.certificate(in: folder, for: "IP:127.0.0.1")
            let cloud = try Cloud(.rclone, certificate: own)
            #expect(try await cloud.site(trusting: own.0).list("") == [])
            let stranger = try await refusal(cloud.site())
            #expect(stranger.kind == .denied && stranger.advice?.english.contains("--ca-file") == true, "\(stranger)")
            let others = try Cloud.certificate(in: folder, for: "DNS:other.example")
            let impostor = try Cloud(.rclone, certificate: others)
            #expect(try await refusal(impostor.site(trusting: others.0)).kind == .denied)
        }
    }

    private func refusal(_ site: S3Site) async throws -> Trouble {
        do { _ = try await site.list("") } catch let trouble as Trouble { return trouble }
        throw Missing()
    }

    private struct Missing: Error {}

    @Test("is not asked where what shall be trusted is no certificate")
    func noCertificate() {
        #expect {
            try S3Site(
                S3Address("s3://127.0.0.1/bucket"), with: S3Credentials(keyId: "a", secret: "b"), authority: Array("x".utf8))
        } throws: { ($0 as? Trouble)?.kind == .wrongUse }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Testing

/// The examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization Header:
/// Transferring Payload in a Single Chunk".
@Suite("A request to a cloud")
struct S3SignatureTests {
    private func signature(
        _ method: String, _ path: String, _ query: [(name: String, value: String)] = [],
        _ headers: [(name: String, value: String)] = [], _ body: String = ""
    ) -> String {
        let credentials = S3Credentials(keyId: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let all = S3Signature(
            method: method, authority: "examplebucket.s3.amazonaws.com", path: path, query: query, headers: headers,
            bodyHash: SHA256.hash(data: Array(body.utf8)), region: "us-east-1", at: Moment(seconds: 1_369_353_600), with: credentials)
        let line = all.headers.first { $0.name == "authorization" }?.value ?? ""
        return String(line.suffix(64))
    }

    @Test("is signed as the standard's examples are")
    func vectors() {
        #expect(
            signature("GET", "/test.txt", [], [("range", "bytes=0-9")])
                == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
        #expect(
            signature(
                "PUT", "/test%24file.text", [],
                [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                "Welcome to Amazon S3.")
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
        #expect(
            signature("GET", "/", [("lifecycle", "")])
                == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
        #expect(
            signature("GET", "/", [("max-keys", "2"), ("prefix", "J")])
                == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    }

    @Test("never shows its secret")
    func secret() {
        let credentials = S3Credentials(keyId: "AK", secret: "geheim", sessionToken: "auch geheim")
        #expect(!"\(credentials)".contains("geheim") && !String(reflecting: credentials).contains("geheim"))
    }

    @Test(
        "goes where its address says",
        arguments: [
            ("s3://s3.eu-central-1.amazonaws.com/town-vault", "eu-central-1"),
            ("s3://s3.example.eu:9000/town/vault/a", "us-east-1"), ("s3+http://127.0.0.1:8333/bucket?region=de", "de"),
            ("s3://[2001:db8::1]:443/bucket/", "us-east-1"),
        ])
    func addresses(text: String, region: String) throws {
        let address = try S3Address(text)
        #expect(address.text == text && address.region == region)
    }

    @Test(
        "is refused an address that is none, or that would be spoken to without TLS",
        arguments: [
            "s3://", "s3:///bucket", "s3://host", "s3://host/Bucket", "s3://host/b", "s3://host:0/bucket",
            "s3://host:70000/bucket", "s3://ho st/bucket", "s3://host/bucket/a b", "s3://host/bucket/../x",
            "s3://host/bucket//x", "s3://host/bucket?tls=off", "s3://host/bucket?region=", "s3+http://10.0.0.1/bucket",
            "s3+http://host.example/bucket", "http://host/bucket", "s3://user:secret@host/bucket",
        ])
    func refusals(text: String) {
        #expect { try S3Address(text) } throws: { ($0 as? Trouble)?.kind == .wrongUse }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing

@Suite("A cloud that fails")
struct S3FaultTests {
    private static let secret = "this is never shown"

    /// Asks a server that answers its questions one after the other.
    /// - Parameter seconds: short only where no answer comes: other tests keep this machine busy.
    private func with(
        _ manner: RawServer.Manner, within seconds: Double = 60, _ body: (S3Site) async throws -> Void
    ) async throws {
        try await RawServer.serving(manner) { port in
            var patience = S3Patience()
            patience.connectMilliseconds = 500
            patience.totalSeconds = seconds
            patience.firstSeconds = seconds
            patience.firstPauseMilliseconds = 1
            patience.pauseMillisecondsMax = 20
            let site = try S3Site(
                S3Address("s3+http://127.0.0.1:\(port)/bucket/vault"),
                with: S3Credentials(keyId: "AKEXAMPLE", secret: Self.secret), patience: patience)
            try await body(site)
        }
    }

    private func answers(_ all: [String]) -> RawServer.Manner {
        .says { question in Array(all[min(question, all.count - 1)].utf8) }
    }

    private func answer(_ status: String, _ body: String = "", _ headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(headers)\r\n\(body)"
    }

    private func error(_ code: String, _ message: String = "m") -> String {
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>\(message)</Message></Error>"
    }

    private func trouble(_ act: () async throws -> Void) async throws -> Trouble {
        do { try await act() } catch let trouble as Trouble {
            #expect(!"\(trouble)".contains(Self.secret))
            return trouble
        }
        throw Missing()
    }

    private struct Missing: Error {}

    @Test("is asked again while it is busy or broken", arguments: ["503 Slow Down", "500 Internal", "429 Too Many", "502 Bad"])
    func busy(status: String) async throws {
        try await with(answers([answer(status, error("SlowDown")), answer(status), answer("200 OK", "content")])) { site async throws in
            #expect(try await site.get("a") == Array("content".utf8))
        }
    }

    @Test("is not believed where an object breaks off in the middle")
    func cut() async throws {
        let whole = answer("200 OK", "all of it")
        try await with(answers([String(whole.dropLast(4)), whole])) { site async throws in
            #expect(try await site.get("a") == Array("all of it".utf8))
        }
    }

    @Test("is given up in time, and named, when it never answers")
    func silent() async throws {
        let begun = ContinuousClock.now
        try await with(.isSilent, within: 2) { site async throws in
            let trouble = try await trouble { _ = try await site.get("a") }
            #expect(trouble.kind == .system && trouble.message.english.contains("/bucket/vault\" does not answer"))
        }
        #expect(begun.duration(to: .now) < .seconds(60))
    }

    @Test("that sends a byte now and then, or never ends, holds nobody for ever")
    func endless() async throws {
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n".utf8)
        let begun = ContinuousClock.now
        try await with(.dribbles(head), within: 2) { site async throws in
            #expect(try await site.kind { _ = try await $0.get("a") } == .system)
        }
        #expect(begun.duration(to: .now) < .seconds(60))
        try await with(.floods(head, head)) { site async throws in
            #expect(try await site.kind { _ = try await $0.list("") } == .damaged)
        }
    }

    @Test("that is gone costs patience once, not for each object")
    func gone() async throws {
        try await with(.isSilent, within: 2) { site async throws in
            _ = try await trouble { _ = try await site.get("a") }
            let begun = ContinuousClock.now
            for name in ["b", "c", "d"] { _ = try await trouble { _ = try await site.get(name) } }
            // Three times the time for a connection, not three times the patience.
            #expect(begun.duration(to: .now) < .seconds(5))
        }
    }

    @Test("says its reason when it never gets well")
    func broken() async throws {
        try await with(answers([answer("500 Internal", error("InternalError", "disk &amp; all &lt;gone&gt;"))]), within: 10) { site async throws in
            let trouble = try await trouble { _ = try await site.list("") }
            #expect(trouble.kind == .system && trouble.message.english.contains("500 InternalError disk & all <gone>"))
        }
    }

    @Test("has kept a put whose answer was lost, and that is known by its bytes")
    func lostAnswer() async throws {
        let taken = answer("412 Precondition Failed", error("PreconditionFailed"))
        try await with(answers([answer("503 Slow"), taken, answer("200 OK", "mine")])) { site async throws in
            try await site.put("a", Array("mine".utf8))
        }
        try await with(answers([answer("503 Slow"), taken, answer("200 OK", "another's")])) { site async throws in
            #expect(try await site.kind { try await $0.put("a", Array("mine".utf8)) } == .exists)
        }
        // It was there before the first attempt.
        try await with(answers([taken])) { site async throws in
            #expect(try await site.kind { try await $0.put("a", Array("mine".utf8)) } == .exists)
        }
    }

    @Test("may give the whole object where a part was asked for, but not another part")
    func ranges() async throws {
        try await with(answers([answer("200 OK", "0123456789")])) { site async throws in
            #expect(try await site.get("a", 2..<5) == Array("234".utf8))
        }
        let other = answer("206 Partial Content", "345", "Content-Range: bytes 3-5/10\r\n")
        try await with(answers([other])) { site async throws in
            #expect(try await site.kind { _ = try await $0.get("a", 2..<5) } == .damaged)
        }
        let more = answer("206 Partial Content", "2345678", "Content-Range: bytes 2-4/10\r\n")
        try await with(answers([more])) { site async throws in
            #expect(try await site.kind { _ = try await $0.get("a", 2..<5) } == .damaged)
        }
    }

    private func listing(_ content: String, more: String? = nil) -> String {
        answer(
            "200 OK",
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                + (more.map { "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>" } ?? "")
                + content + "</ListBucketResult>")
    }

    private func item(_ key: String, _ size: String = "1") -> String {
        "<Contents><Key>\(key)</Key><Size>\(size)</Size></Contents>"
    }

    @Test("shows in pages what it has; what is no object of the vault is passed over")
    func pages() async throws {
        let first = listing(item("vault/b") + item("vault/../x") + item("vault/.hidden") + item("elsewhere/a"), more: "t1")
        let second = listing(item("vault/a", "7") + item("vault/c", "-1") + item("vault/d", "x"))
        try await with(answers([first, second])) { site async throws in
            #expect(try await site.list("").map(\.name.text) == ["a", "b"])
        }
    }

    @Test("does not keep anybody busy with a listing that has no end, nor with one that is none")
    func hostileListings() async throws {
        try await with(answers([listing(item("vault/a"), more: "t")])) { site async throws in
            #expect(try await site.kind { _ = try await $0.list("") } == .damaged)
        }
        for text in ["", "<html>hello</html>", "<ListBucketResult>", "\u{0}"] {
            try await with(answers([answer("200 OK", text)])) { site async throws in
                #expect(try await site.kind { _ = try await $0.list("") } == .damaged)
            }
        }
    }

    @Test(
        "is told apart by what it refuses",
        arguments: [
            ("403 Forbidden", "AccessDenied", Trouble.Kind.denied, "policy"),
            ("403 Forbidden", "SignatureDoesNotMatch", .denied, "zwilling sites login"),
            ("403 Forbidden", "RequestTimeTooSkewed", .denied, "clock"),
            ("404 Not Found", "NoSuchBucket", .missing, "Make the bucket"),
            ("404 Not Found", "NoSuchKey", .missing, "right site"),
        ])
    func refusals(status: String, code: String, kind: Trouble.Kind, advice: String) async throws {
        try await with(answers([answer(status, error(code))])) { site async throws in
            let trouble = try await trouble { _ = try await site.get("a") }
            #expect(trouble.kind == kind && trouble.advice?.english.contains(advice) == true, "\(trouble)")
        }
    }

    @Test("is not followed elsewhere; where its bucket lies is said")
    func redirect() async throws {
        let moved = answer(
            "301 Moved Permanently", error("PermanentRedirect"), "Location: http://127.0.0.1:1/\r\nx-amz-bucket-region: eu-west-3\r\n")
        try await with(answers([moved])) { site async throws in
            let trouble = try await trouble { _ = try await site.get("a") }
            #expect(trouble.advice?.english.contains("?region=eu-west-3") == true)
        }
    }

    @Test("that has no conditional put gets nothing that only one may write")
    func unconditional() async throws {
        try await with(answers([answer("501 Not Implemented", error("NotImplemented"))])) { site async throws in
            let trouble = try await trouble { try await site.put("a", [1]) }
            #expect(trouble.message.english.contains("conditional put"))
        }
    }
}

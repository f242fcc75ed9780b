// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Testing
import Wire

@Suite("A question by HTTP")
struct HTTPQuestionTests {
    private func ask(
        _ manner: RawServer.Manner, within time: Duration = .seconds(5)
    ) async throws -> HTTPAnswer {
        try await RawServer.serving(manner) { port in
            try await HTTPQuestion(host: "127.0.0.1", port: port, path: "/health").ask(within: time)
        }
    }

    private func refusal(
        _ manner: RawServer.Manner, within time: Duration = .seconds(5)
    ) async -> Trouble? {
        await trouble { _ = try await ask(manner, within: time) }
    }

    @Test("Python's server answers, and what is not there is an answer too")
    func python() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("gut".utf8).write(to: folder.appending(path: "health"))
        let arguments = [
            "python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1",
            "--directory", folder.path,
        ]
        try await Helper.running(arguments) { first in
            let number = try #require(first.firstMatch(of: /port (\d+)/)?.output.1)
            let port = try #require(Int(number))
            for host in ["127.0.0.1", "localhost"] {
                let found = HTTPQuestion(host: host, port: port, path: "/health")
                let answer = try await found.ask(within: .seconds(5))
                #expect(answer.status == 200 && answer.body == Array("gut".utf8) && !answer.isCut)
            }
            let absent = HTTPQuestion(host: "127.0.0.1", port: port, path: "/nothing?a=%20b")
            #expect(try await absent.ask(within: .seconds(5)).status == 404)
        }
    }

    @Test("Bodies come by length, by pieces, and until the end of the connection")
    func bodies() async throws {
        let heads = [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ngut",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "1\r\ng\r\n2;x=y\r\nut\r\n0\r\nTrailer: 1\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\ngut",
        ]
        for head in heads {
            let answer = try await ask(RawServer.says(head))
            #expect(answer.status == 200 && answer.body == Array("gut".utf8), "\(head)")
        }
        #expect(try await ask(RawServer.says("HTTP/1.1 204 No\r\n\r\n")).body == [])
    }

    @Test("A huge body is cut, and one of just that size is not")
    func cut() async throws {
        let most = 1 << 20
        let head = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        let whole = try await ask(.says { _ in head + [UInt8](repeating: 7, count: most) })
        #expect(whole.body.count == most && !whole.isCut)
        let cut = try await ask(.says { _ in head + [UInt8](repeating: 7, count: most + 1) })
        #expect(cut.body.count == most && cut.isCut)
        let endless = try await ask(.floods(head, [UInt8](repeating: 7, count: 60_000)))
        #expect(endless.body.count == most && endless.isCut)
    }

    @Test("What is no HTTP is told as that, with host, port and path")
    func garbage() async throws {
        let answers = [
            "SSH-2.0-OpenSSH_9.6\r\n", "\0\u{1}\u{2}", "HTTP/9.9 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
        ]
        for answer in answers {
            let trouble = await refusal(RawServer.says(answer))
            #expect(trouble?.message.english.contains("/health\": the answer is no HTTP") == true)
            #expect(trouble?.message.english.contains("http://127.0.0.1:") == true)
            #expect(trouble?.advice?.english.contains("TLS") == true)
        }
    }

    @Test("A head without end is refused, by many lines as by a long one")
    func endlessHead() async throws {
        let start = Array("HTTP/1.1 200 OK\r\n".utf8)
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: 10_000)
        let heads = [
            long, Array("a: b\r\n".utf8),
            Array("a: ".utf8) + long + Array("\r\n".utf8),
        ]
        for again in heads {
            let trouble = await refusal(.floods(start, again))
            #expect(trouble?.message.english.contains("no HTTP") == true)
        }
    }

    @Test(
        "One that dribbles does not outlast the time",
        arguments: [
            "", "HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        ])
    func dribble(start: String) async throws {
        let time = Duration.milliseconds(200)
        let trouble = await refusal(.dribbles(Array(start.utf8)), within: time)
        let told = try #require(trouble?.message.english)
        #expect(told.contains("within 0.2 seconds") || start.isEmpty)
    }

    @Test("Silence and endless interim answers do not outlast the time either")
    func silence() async throws {
        let interim = Array("HTTP/1.1 102 Processing\r\n\r\n".utf8)
        for manner in [RawServer.Manner.isSilent, .floods(interim, interim)] {
            let trouble = await refusal(manner, within: .milliseconds(200))
            #expect(trouble?.message.german.contains("binnen 0,2 Sekunden") == true)
        }
    }

    @Test(
        "One that closes early has not answered",
        arguments: [
            "", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nX: y\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        ])
    func early(words: String) async throws {
        let trouble = await refusal(RawServer.says(words))
        #expect(trouble?.message.english.contains("/health") == true)
        #expect(trouble?.advice != nil)
    }

    @Test("Where nobody listens, that is told, and a name that does not exist is missing")
    func nobody() async throws {
        let port = try await RawServer.serving(.isSilent) { $0 }
        let question = HTTPQuestion(host: "127.0.0.1", port: port, path: "/")
        let refused = await trouble { _ = try await question.ask(within: .seconds(5)) }
        #expect(refused?.message.german.contains("dort lauscht niemand") == true)
        let nameless = HTTPQuestion(host: "no-such-host.invalid", port: 80, path: "/x")
        let missing = await trouble { _ = try await nameless.ask(within: .seconds(5)) }
        #expect(missing?.message.english.contains("no-such-host.invalid:80/x") == true)
    }

    @Test("A path or name that would make another request is not sent")
    func smuggling() async throws {
        let questions = [
            HTTPQuestion(host: "127.0.0.1", port: 1, path: "/ HTTP/1.1\r\nX: y"),
            HTTPQuestion(host: "127.0.0.1", port: 1, path: "nothing"),
            HTTPQuestion(host: "127.0.0.1", port: 1, path: "/ä"),
            HTTPQuestion(host: "127.0.0.1", port: 1, path: "/", hostName: "a\r\nX: y"),
            HTTPQuestion(host: "127.0.0.1", port: 1, path: "/", hostName: ""),
            HTTPQuestion(host: "127.0.0.1", port: 0, path: "/"),
            HTTPQuestion(host: "", port: 80, path: "/"),
        ]
        for question in questions {
            let trouble = await trouble { _ = try await question.ask(within: .seconds(5)) }
            #expect(trouble?.kind == .wrongUse)
        }
    }

    @Test("A task that is cancelled waits no longer")
    func cancelled() async throws {
        try await RawServer.serving(.isSilent) { port in
            let question = HTTPQuestion(host: "127.0.0.1", port: port, path: "/")
            await withTaskGroup(of: Trouble?.self) { group in
                group.addTask {
                    await trouble { _ = try await question.ask(within: .seconds(3600)) }
                }
                group.cancelAll()
                for await trouble in group {
                    #expect(trouble?.message.english.contains("given up") == true)
                }
            }
        }
    }

    @Test("No answer, however mutated, brings the program down or keeps it")
    func mutated() async throws {
        let seeds = [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\ngut",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "1\r\ng\r\n2;x=y\r\nut\r\n0\r\nTrailer: 1\r\nMore:\r\n\r\n",
            "HTTP/1.0 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ngut",
        ].map { Array($0.utf8) }
        let rounds = Int(ProcessInfo.processInfo.environment["ZWILLING_WIRE_ROUNDS"] ?? "") ?? 600
        let manner = RawServer.Manner.says { question in
            var dice = Seeded(UInt64(question))
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &dice)]
            for _ in 0...Int.random(in: 0..<3, using: &dice) {
                let place = Int.random(in: 0..<bytes.count, using: &dice)
                let other = Int.random(in: place..<bytes.count, using: &dice)
                switch Int.random(in: 0..<5, using: &dice) {
                case 0: bytes[place] = .random(in: 0...255, using: &dice)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(bytes[other], at: place)
                case 3: bytes.insert(contentsOf: bytes[place...other], at: other)
                default: bytes.removeSubrange(other...)
                }
                if bytes.isEmpty { bytes = [0x0d] }
            }
            return bytes
        }
        try await RawServer.serving(manner) { port in
            let question = HTTPQuestion(host: "127.0.0.1", port: port, path: "/")
            var answers = 0
            for _ in 0..<rounds {
                let trouble = await trouble {
                    _ = try await question.ask(within: .seconds(5))
                    answers += 1
                }
                #expect(trouble?.message.english.contains("within") != true)
            }
            #expect(answers > 0 && answers < rounds)
        }
    }
}

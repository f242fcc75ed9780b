// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Testing
import Wire

@Suite("The server of one page")
struct PageServerTests {
    private func page<Result>(
        connectionsMax: Int = 256, idle: Duration = .seconds(10), bytes: Int = 0,
        _ body: (_ port: Int) async throws -> Result
    ) async throws -> Result {
        let server = PageServer(
            address: "127.0.0.1", port: 0, connectionsMax: connectionsMax, idle: idle
        ) { wantsJSON, language in
            let words = wantsJSON ? "{\"in\":\"\(language.rawValue)\"}" : "<p>\(language.rawValue)"
            return Array(words.utf8) + [UInt8](repeating: 0x20, count: bytes)
        }
        return try await serving({ try await server.run(listening: $0) }, body)
    }

    @Test("Curl gets the page in both languages and both forms, with headers that forbid the rest")
    func curl() async throws {
        try await page { port in
            let address = "http://127.0.0.1:\(port)"
            let html = try await Helper.output([
                "curl", "-si", "-H", "Accept-Language: de-AT,en;q=0.5", "\(address)/?a=b",
            ])
            #expect(html.hasPrefix("HTTP/1.1 200 OK\r\n") && html.hasSuffix("\r\n\r\n<p>de"))
            for header in [
                "Content-Type: text/html; charset=utf-8", "Cache-Control: no-store",
                "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
                "X-Content-Type-Options: nosniff", "Content-Language: de", "Connection: close",
                "Content-Length: 5",
            ] {
                #expect(html.contains("\r\n\(header)"), "\(header)")
            }
            let json = try await Helper.output(["curl", "-si", "\(address)/status.json"])
            #expect(json.contains("Content-Type: application/json"))
            #expect(json.hasSuffix("\r\n\r\n{\"in\":\"en\"}"))
            let head = try await Helper.output(["curl", "-sI", "\(address)/"])
            #expect(head.contains("Content-Length: 5") && head.hasSuffix("\r\n\r\n"))
            let absent = try await Helper.output(["curl", "-si", "\(address)/etc/passwd"])
            #expect(absent.hasPrefix("HTTP/1.1 404 ") && absent.contains("no-store"))
            let posted = try await Helper.output(["curl", "-si", "-d", "a=b", "\(address)/"])
            #expect(posted.hasPrefix("HTTP/1.1 405 ") && posted.contains("Allow: GET, HEAD"))
        }
    }

    @Test("Our own question gets a page of some megabytes' first one")
    func ownQuestion() async throws {
        try await page(bytes: 3 << 20) { port in
            let question = HTTPQuestion(host: "127.0.0.1", port: port, path: "/")
            let answer = try await question.ask(within: .seconds(5))
            #expect(answer.status == 200 && answer.isCut && answer.body.starts(with: "<p>en".utf8))
        }
    }

    @Test("The language is the one that a browser would rather have of ours")
    func languages() async throws {
        let wishes = [
            ("", "en"), ("de", "de"), ("DE-de", "de"), ("en,de", "en"), ("fr,de;q=0.3", "de"),
            ("en;q=0.4, de;q=0.5", "de"), ("de;q=0, en", "en"), ("de;q=x", "en"), ("den", "en"),
            (";,;q=", "en"), ("*", "en"),
        ]
        try await page { port in
            let script = """
                import http.client
                for wish in \(wishes.map(\.0)):
                    c = http.client.HTTPConnection("127.0.0.1", \(port))
                    c.request("GET", "/", headers={"Accept-Language": wish})
                    print(c.getresponse().read().decode()[3:])
                """
            let told = try await Helper.python(script, port: port)
            #expect(told.split(separator: "\n").map(String.init) == wishes.map(\.1))
        }
    }

    @Test("What is malformed or too large is refused, and the refusal arrives")
    func refusals() async throws {
        let script = """
            long = b"a" * 20000
            for words in [
                b"hello\\r\\n\\r\\n", b"\\x16\\x03\\x01\\x02\\x00\\x01\\x00" + long,
                b"GET / HTTP/1.1\\r\\n\\r\\n",
                b"GET / HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n",
                b"GET / HTTP/1.1\\r\\nHost: a\\r\\nX: " + long + b"\\r\\n\\r\\n",
                b"GET /" + long + b" HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                b"GET / HTTP/1.1\\r\\nHost: a\\r\\n" + b"X: y\\r\\n" * 200 + b"\\r\\n",
                b"POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9000000\\r\\n\\r\\n" + long * 200,
                b"GET http://a/status.json HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                b"GET http://a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n",
                b"GET / HTTP/1.0\\r\\n\\r\\n",
            ]:
                # Our side stays open until the reply is there: so the server has to end first.
                s = connect()
                s.sendall(words)
                all = rest(s).decode()
                assert all.count("HTTP/1.1 ") == 1 and "X-Content-Type-Options: nosniff" in all
                assert not all.endswith("RESET")
                print(all[9:12])
            """
        let told = try await page { try await Helper.python(script, port: $0) }
        let statuses = [400, 400, 400, 400, 431, 431, 431, 413, 200, 200, 200]
        #expect(told.split(separator: "\n").map(String.init) == statuses.map { "\($0)" })
    }

    @Test("More connections than allowed wait until one goes")
    func connections() async throws {
        let script = """
            guests = [connect(), connect()]
            third = connect()
            third.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            third.settimeout(0.2)
            try: print("early", third.recv(1))
            except TimeoutError: print("waits")
            third.settimeout(5)
            guests[0].close()
            print(rest(third).decode()[:15])
            """
        let told = try await page(connectionsMax: 2) { try await Helper.python(script, port: $0) }
        #expect(told == "waits\nHTTP/1.1 200 OK\n")
    }

    @Test("One who is silent, dribbles or does not take the page has to go")
    func idle() async throws {
        // There is one seat: each next one gets it when the one before has been shown out.
        let script = """
            print(rest(connect()))
            dribbler = connect()
            dribbler.settimeout(0.02)
            ended = False
            while not ended:
                try:
                    dribbler.sendall(b"G")
                    ended = dribbler.recv(1) == b""
                except TimeoutError: pass
                except OSError: ended = True
            print("ended")
            deaf = connect()
            deaf.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            last = connect()
            last.sendall(b"HEAD / HTTP/1.0\\r\\n\\r\\n")
            print(last.recv(15).decode())
            """
        let told = try await page(
            connectionsMax: 1, idle: .milliseconds(150), bytes: 30 << 20
        ) { try await Helper.python(script, port: $0) }
        #expect(told == "b''\nended\nHTTP/1.1 200 OK\n")
    }

    @Test("When its task is cancelled it shows everybody out and listens no more")
    func cancelled() async throws {
        let port = try await page { port in
            try await ConnectionQuestion(host: "127.0.0.1", port: port).ask(within: .seconds(5))
            return port
        }
        let question = ConnectionQuestion(host: "127.0.0.1", port: port)
        let trouble = await trouble { try await question.ask(within: .seconds(5)) }
        #expect(trouble?.message.english.contains("nobody listens") == true)
    }

    @Test("A place where it cannot listen is told with its reason")
    func places() async throws {
        let taken = try await page { port in
            await trouble {
                try await PageServer(address: "127.0.0.1", port: port) { _, _ in [] }.run()
            }
        }
        #expect(taken?.kind == .busy && taken?.advice != nil)
        for (address, kind) in [("localhost", Trouble.Kind.wrongUse), ("192.0.2.1", .missing)] {
            let server = PageServer(address: address, port: 0) { _, _ in [] }
            #expect(await trouble { try await server.run() }?.kind == kind)
        }
    }
}

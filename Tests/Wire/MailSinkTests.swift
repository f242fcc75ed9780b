// SPDX-License-Identifier: EUPL-1.2
import Ground
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@Suite("The sink for mail")
struct MailSinkTests {
    private final class Swallowed: Sendable {
        private let kept = Mutex<[Mail]>([])
        var mails: [Mail] { kept.withLock { $0 } }
        func add(_ mail: Mail) { kept.withLock { $0.append(mail) } }
    }

    /// What a script says that speaks with the sink, and what the sink has swallowed by then.
    private func sink(
        connectionsMax: Int = 64, idle: Duration = .seconds(300), _ script: String
    ) async throws -> (told: [String], mails: [Mail]) {
        let swallowed = Swallowed()
        let sink = MailSink(
            address: "127.0.0.1", port: 0, connectionsMax: connectionsMax, idle: idle
        ) { swallowed.add($0) }
        let told = try await serving({ try await sink.run(listening: $0) }) { port in
            try await Helper.python("port = \(port)\n" + script, port: port)
        }
        return (told.split(separator: "\n").map(String.init), swallowed.mails)
    }

    /// The code of each reply to what is sent at once, after the greeting.
    private func codes(_ words: String) async throws -> (codes: [Int], mails: [Mail]) {
        let result = try await sink(
            """
            for line in talk(\(words)).split("\\r\\n")[:-1]:
                if line[3] == " ": print(line[:3])
            """)
        #expect(result.told.first == "220")
        return (result.told.dropFirst().compactMap { Int($0) }, result.mails)
    }

    @Test("Python's client is satisfied, and envelope, subject and size are told")
    func smtplib() async throws {
        let (told, mails) = try await sink(
            #"""
            import smtplib
            from email.message import EmailMessage
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.ehlo()
                print(client.has_extn("pipelining"), client.esmtp_features["size"])
                print(client.verify("anybody")[0], client.noop()[0], client.rset()[0])
                body = b"X: y\r\nsUBJECT:\t Ein\r\n langer Betreff\r\n\r\n"
                body += b".\r\n..\r\n.x\r\nSubject: no\r\n"
                print(client.sendmail("amt@a.example", ["b@b.example", "c@c.example"], body))
                print(len(body))
                print(client.sendmail("", ["b@b.example"], b"\r\n"))
                message = EmailMessage()
                message["From"], message["To"] = "ä@a.example", "ö@b.example"
                message["Subject"] = "Grüße"
                message.set_content("ü" * 500)
                print(client.send_message(message))
            """#)
        #expect(told == ["True 10485760", "252 250 250", "{}", "64", "{}", "{}"])
        try #require(mails.count == 3)
        #expect(
            mails[0]
                == Mail(
                    sender: "amt@a.example", recipients: ["b@b.example", "c@c.example"],
                    subject: "Ein langer Betreff", bytes: 64))
        #expect(mails[1] == Mail(sender: "", recipients: ["b@b.example"], subject: "", bytes: 2))
        #expect(mails[2].sender == "ä@a.example" && mails[2].subject == "Grüße")
    }

    @Test("A whole conversation at once is answered in order, as it is byte by byte")
    func pipelining() async throws {
        let words = #"""
            b"ehlo x\r\nmail from:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nQUIT\r\n.\r\n" \
                b"MAIL FROM:<> SIZE=5 BODY=8BITMIME\r\nRCPT TO:<\"x>\\\" y\"@d>\r\n" \
                b"RCPT TO:<@e,@f:g@h>\r\nRSET\r\nDATA\r\nQUIT\r\nNOOP\r\n"
            """#
        let expected = [250, 250, 250, 354, 250, 250, 250, 250, 250, 503, 221]
        let whole = try await codes(words)
        #expect(whole.codes == expected && whole.mails.map(\.bytes) == [6])
        let (told, mails) = try await sink(
            """
            with connect() as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in \(words).removesuffix(b"NOOP\\r\\n"): s.send(bytes([byte]))
                for line in rest(s).decode().split("\\r\\n")[1:-1]:
                    if line[3] == " ": print(line[:3])
            """)
        #expect(told.compactMap { Int($0) } == expected && mails == whole.mails)
    }

    @Test("What comes out of order or form is refused, and nothing is lost by it")
    func order() async throws {
        let (codes, mails) = try await codes(
            #"""
            b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\nEHLO\r\nHELO x\r\nMAIL TO:<a@b>\r\n" \
                b"MAIL FROM:a@b\r\nMAIL FROM:<a@b\r\nMAIL FROM:<a@b>x\r\nMAIL FROM:<a@b> X=Y\r\n" \
                b"MAIL FROM:<a@b> SIZE=x\r\nMAIL FROM:<" + b"a" * 255 + b">\r\n" \
                b"MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nRCPT TO:<>\r\nRCPT TO:<a> X\r\n" \
                b"RCPT TO:<a>\r\nDATA x\r\nSTARTTLS\r\nEXPN x\r\n\r\n\x00\r\nGET / HTTP/1.1\r\n" \
                b"DATA\r\n.\r\nQUIT\r\n"
            """#)
        #expect(
            codes == [
                503, 503, 503, 501, 250, 501, 501, 501, 501, 555, 501, 501, 250, 503, 503, 501, 555,
                250, 501, 502, 502, 502, 500, 502, 354, 250, 221,
            ])
        #expect(mails == [Mail(sender: "a@b", recipients: ["a"], subject: "", bytes: 0)])
    }

    @Test("Only CR LF dot CR LF ends a message, so that none hides in another")
    func smuggling() async throws {
        let start = #"b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n" + "#
        for end in [#"\n.\n"#, #"\n.\r\n"#, #"x\n.\r\n"#, #"\r.\r"#, #"\r\n.\n"#, #"\r\n.\r"#] {
            let (codes, mails) = try await codes(
                start + "b\"\(end)MAIL FROM:<e@f>\\r\\n.\\r\\nQUIT\\r\\n\"")
            #expect(codes == [250, 250, 250, 354, 250, 221], "\(end)")
            #expect(mails.count == 1)
        }
    }

    @Test("A line of 1000 bytes is taken, of 1001 refused, and a dot more does not count")
    func lines() async throws {
        let start = #"b"EHLO x\r\n" + b"N" * 999 + b"\r\n" + b"N" * 998 + b"\r\n" + b"N" * 99999"#
        let mail = #"b"\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" + "#
        let (codes, mails) = try await codes(
            start + " + " + mail + #"b"." * 999 + b"\r\n.\r\n" + "#
                + mail.replacing(#"b"\r\n"#, with: "b\"") + #"b"." + b"x" * 998 + b"\r\n.\r\n" + "#
                + mail.replacing(#"b"\r\n"#, with: "b\"") + #"b"x" * 999 + b"\r\n.\r\n" + "#
                + mail.replacing(#"b"\r\n"#, with: "b\"")
                + #"b"x" * 200000 + b"\r\n.\r\nQUIT\r\n""#)
        let taken = [250, 250, 354, 250]
        let refused = [250, 250, 354, 500]
        #expect(codes == [250, 500, 502, 500] + taken + taken + refused + refused + [221])
        #expect(mails.map(\.bytes) == [1000, 1000])
    }

    @Test("10 MiB are taken and not a byte more, whether told before or not")
    func sizes() async throws {
        let most = 10 << 20
        let (told, mails) = try await sink(
            """
            import smtplib
            line = b"x" * 510 + b"\\r\\n"
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.ehlo()
                print(client.mail("a@b", ["SIZE=\(most + 1)"])[0])
                print(client.mail("a@b", ["SIZE=\(most)"])[0], client.rcpt("c@d")[0])
                print(client.data(line * \(most / 512))[0])
                client.mail("a@b"), client.rcpt("c@d")
                print(client.data(line * \(most / 512 - 1) + b"x" * 509 + b"\\r\\n\\r\\n")[0])
                print(client.noop()[0])
            """)
        #expect(told == ["552", "250 250", "250", "552", "250"])
        #expect(mails.map(\.bytes) == [most])
    }

    @Test("100 recipients are taken, and the others told to come again")
    func recipients() async throws {
        let (codes, mails) = try await codes(
            #"b"EHLO x\r\nMAIL FROM:<a@b>\r\n" + b"RCPT TO:<c@d>\r\n" * 101 + "#
                + #"b"DATA\r\n.\r\nQUIT\r\n""#)
        #expect(codes.dropFirst(2).prefix(100).allSatisfy { $0 == 250 })
        #expect(codes.suffix(4) == [452, 354, 250, 221])
        #expect(mails.map(\.recipients.count) == [100])
    }

    @Test("When its task is cancelled it shows its guests out", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let sink = MailSink(address: "127.0.0.1", port: 0, idle: .seconds(3600)) { _ in }
        let guest = try await serving({ try await sink.run(listening: $0) }) { port in
            let isIn = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let guest = try await ClientBootstrap(group: isIn.futureResult.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Guest(isIn))
                    }
                }.connect(host: "127.0.0.1", port: port).get()
            try await isIn.futureResult.get()
            return guest
        }
        try await guest.closeFuture.get()
    }

    /// Knows by the greeting that it is in.
    private final class Guest: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let isIn: EventLoopPromise<Void>
        init(_ isIn: EventLoopPromise<Void>) { self.isIn = isIn }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { isIn.succeed(()) }
    }

    @Test("One who is silent, dribbles or does not read the replies has to go, for the next one")
    func idle() async throws {
        let (told, _) = try await sink(
            connectionsMax: 1, idle: .milliseconds(150),
            """
            print(rest(connect()).decode().split("\\r\\n")[1][:3])
            dribbler = connect()
            dribbler.settimeout(0.02)
            all = b""
            while b"421" not in all:
                try:
                    dribbler.send(b"x")
                    all += dribbler.recv(100)
                except TimeoutError: pass
            print("ended")
            dribbler.close()
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            deaf.connect(("127.0.0.1", port))
            try:
                for _ in range(1600): deaf.sendall(b"EHLO x\\r\\n" * 1250)
                print("all was read, and its replies are kept")
            except OSError: print("held back")
            print(connect().recv(3).decode())
            """)
        #expect(told == ["421", "ended", "held back", "220"])
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOCore
import NIOHTTP1

/// A page asked for once, on a connection of its own and without TLS: whether an application is up.
package struct HTTPQuestion: Sendable {
    private let peer: Peer
    private let path: String
    private let hostName: String?

    /// - Parameters:
    ///   - path: with its query, as it stands in a request: ASCII, all else percent-encoded.
    ///   - hostName: the name by which the application knows itself, where that is not `host`.
    package init(host: String, port: Int, path: String, hostName: String? = nil) {
        peer = Peer(host: host, port: port)
        self.path = path
        self.hostName = hostName
    }

    /// - Throws: where no whole answer came within this time, names and connecting included. Any
    ///   status is an answer.
    package func ask(within time: Duration) async throws(Trouble) -> HTTPAnswer {
        try check()
        let head = head
        do {
            return try await peer.conversation(within: time) { channel, answer in
                try channel.pipeline.syncOperations.addHandlers(
                    HTTPRequestEncoder(),
                    ByteToMessageHandler(
                        HTTPResponseDecoder(limitConfiguration: Limits.answerHead)),
                    HTTPListening(answer))
                channel.write(HTTPClientRequestPart.head(head), promise: nil)
                // An answer may come before the whole question is out.
                channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            }
        } catch {
            let act = Words(
                "No answer from \"\(address)\"", de: "Keine Antwort von „\(address)“")
            throw peer.trouble(act, error, within: time)
        }
    }

    private var address: String { "http://\(peer.name)\(printable(Array(path.utf8)))" }

    private var head: HTTPRequestHead {
        let name = hostName ?? (peer.port == 80 ? String(peer.name.dropLast(3)) : peer.name)
        return HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path,
            headers: [
                "Host": name, "User-Agent": "zwilling", "Accept": "*/*", "Connection": "close",
            ])
    }

    /// A line break would make two requests of one.
    private func check() throws(Trouble) {
        try peer.check()
        let visible: ClosedRange<UInt8> = 0x21...0x7e
        guard path.hasPrefix("/"), path.utf8.allSatisfy(visible.contains),
            (hostName ?? "-").utf8.allSatisfy(visible.contains), hostName != ""
        else {
            let name = hostName.map { " (\(printable(Array($0.utf8))))" } ?? ""
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(address)\"\(name) is no address to ask.",
                    de: "„\(address)“\(name) ist keine Adresse, die sich fragen lässt."),
                advice: Words(
                    "Let the path begin with \"/\", and write spaces and umlauts as %20, %C3%A4.",
                    de: "Den Pfad mit „/“ beginnen und Leerzeichen und Umlaute als %20, %C3%A4 "
                        + "schreiben."))
        }
    }
}

package struct HTTPAnswer: Hashable, Sendable {
    package let status: Int
    /// What was sent, up to 1 MiB.
    package let body: [UInt8]
    /// Whether there was more.
    package let isCut: Bool
}

/// Puts the parts of an answer together.
private final class HTTPListening: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<HTTPAnswer>
    private var status = 0
    private var body: [UInt8] = []

    init(_ answer: EventLoopPromise<HTTPAnswer>) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let bytes):
            let room = Limits.answerBytesMax - body.count
            body += bytes.readableBytesView.prefix(room)
            if bytes.readableBytes > room { finish(isCut: true) }
        case .end: finish(isCut: false)
        }
    }

    private func finish(isCut: Bool) {
        answer.succeed(HTTPAnswer(status: status, body: body, isCut: isCut))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }
}

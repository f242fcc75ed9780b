// SPDX-License-Identifier: EUPL-1.2
import Ground
import NIOHTTP1

/// What is said to one question.
struct PageReply {
    let status: HTTPResponseStatus
    let body: [UInt8]
    private let headers: HTTPHeaders

    /// RFC 9110: 15 for the statuses, 9.3.2 for HEAD.
    init(to head: HTTPRequestHead, _ page: PageServer.Page) {
        guard head.version != .http1_1 || head.headers["Host"].count == 1 else {
            self.init(.badRequest)
            return
        }
        guard head.method == .GET || head.method == .HEAD else {
            self.init(.methodNotAllowed, [("Allow", "GET, HEAD")])
            return
        }
        let wantsJSON: Bool
        switch Self.path(head.uri) {
        case "/": wantsJSON = false
        case "/status.json": wantsJSON = true
        default:
            self.init(.notFound)
            return
        }
        let language = Language(wishes: head.headers["Accept-Language"])
        let type = wantsJSON ? "application/json" : "text/html; charset=utf-8"
        self.init(
            .ok, page(wantsJSON, language),
            [
                ("Content-Type", type), ("Content-Language", language.rawValue),
                ("Vary", "Accept-Language"),
            ])
    }

    /// A reply without a page, whose body says its status.
    init(_ status: HTTPResponseStatus, _ headers: [(String, String)] = []) {
        self.init(
            status, Array("\(status.code) \(status.reasonPhrase)\n".utf8),
            [("Content-Type", "text/plain; charset=utf-8")] + headers)
    }

    private init(_ status: HTTPResponseStatus, _ body: [UInt8], _ headers: [(String, String)]) {
        self.status = status
        self.body = body
        self.headers = HTTPHeaders(headers)
    }

    var head: HTTPResponseHead {
        var headers = headers
        headers.add(name: "Content-Length", value: "\(body.count)")
        headers.add(name: "Cache-Control", value: "no-store")
        headers.add(name: "Content-Security-Policy", value: Self.policy)
        headers.add(name: "X-Content-Type-Options", value: "nosniff")
        headers.add(name: "Connection", value: "close")
        return HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    }

    /// Nothing from elsewhere and no script; `default-src` does not cover the last three.
    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    /// A proxy asks with the whole address (RFC 9112, 3.2.2).
    private static func path(_ uri: String) -> Substring {
        var rest = uri.prefix { $0 != "?" }
        if rest.lowercased().hasPrefix("http://") {
            rest = rest.dropFirst("http://".count).drop { $0 != "/" }
            return rest.isEmpty ? "/" : rest
        }
        return rest
    }
}

extension Language {
    /// Of the languages that Zwilling speaks, the one that a browser would rather have, the first
    /// of equals; else English (RFC 9110, 12.5.4).
    init(wishes: [String]) {
        var best: (language: Language, weight: Double)?
        for wish in wishes.flatMap({ $0.split(separator: ",") }).prefix(Limits.wishesMax) {
            let parts = wish.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            let name = (parts.first ?? "").prefix { $0 != "-" }.lowercased()
            guard let language = Language(rawValue: name) else { continue }
            let given = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            let weight = given.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if weight > best?.weight ?? 0 { best = (language, weight) }
        }
        self = best?.language ?? .english
    }
}

// SPDX-License-Identifier: EUPL-1.2

/// What is said on one connection of a mail client, line by line (RFC 5321). It touches no socket.
struct MailSession {
    struct Reply: Equatable {
        let code: Int
        let lines: [String]
        var isLast = false

        init(_ code: Int, _ lines: String...) { (self.code, self.lines) = (code, lines) }

        /// 4.2.1: a hyphen stands behind the code of each line but the last.
        var text: String {
            lines.enumerated().map { index, line in
                "\(code)\(index == lines.count - 1 ? " " : "-")\(line)\r\n"
            }.joined()
        }
    }

    static let greeting = Reply(220, "\(name) ESMTP: a sink, from which no mail goes on")
    static let farewell = Reply(421, "\(name) has waited long enough")
    /// A name of nobody (RFC 2606), since mail ends here.
    private static let name = "sink.invalid"

    private let swallow: @Sendable (Mail) -> Void
    private var isGreeted = false
    private var sender: String?
    private var recipients: [String] = []
    private var content: MailContent?

    init(_ swallow: @escaping @Sendable (Mail) -> Void) { self.swallow = swallow }

    /// What to say to a line; nil within a message.
    mutating func take(_ line: LineCutter.Line) -> Reply? {
        if content != nil { return takeContent(line) }
        guard case .whole(let bytes) = line, bytes.count + 2 < Limits.lineBytesMax else {
            return Reply(500, "Line too long")
        }
        guard let command = MailCommand(bytes) else { return Reply(500, "Not a command") }
        return obey(command)
    }

    private mutating func obey(_ command: MailCommand) -> Reply {
        let isBare = command.argument.isEmpty
        switch command.verb {
        case "EHLO", "HELO":
            guard !isBare else { return Reply(501, "Say who you are") }
            return greet(isExtended: command.verb == "EHLO")
        case "MAIL": return begin(command)
        case "RCPT": return add(command)
        case "NOOP": return Reply(250, "OK")
        case "VRFY": return Reply(252, "Everything is taken here")
        case "DATA", "RSET", "QUIT":
            guard isBare else { return Reply(501, "\(command.verb) takes no argument") }
            return obeyBare(command.verb)
        default: return Reply(502, "Not here")
        }
    }

    private mutating func obeyBare(_ verb: String) -> Reply {
        switch verb {
        case "DATA":
            guard !recipients.isEmpty else { return Reply(503, "RCPT first") }
            content = MailContent()
            return Reply(354, "Go on, and end with a dot on a line of its own")
        case "RSET":
            reset()
            return Reply(250, "OK")
        default:
            var reply = Reply(221, "Good bye")
            reply.isLast = true
            return reply
        }
    }

    private mutating func reset() { (sender, recipients, content) = (nil, [], nil) }

    private mutating func greet(isExtended: Bool) -> Reply {
        reset()
        isGreeted = true
        guard isExtended else { return Reply(250, Self.name) }
        return Reply(
            250, Self.name, "PIPELINING", "SIZE \(Limits.mailBytesMax)", "8BITMIME", "SMTPUTF8")
    }

    private mutating func begin(_ command: MailCommand) -> Reply {
        guard isGreeted else { return Reply(503, "EHLO first") }
        guard sender == nil else { return Reply(503, "One message at a time") }
        guard let (address, parameters) = command.path(after: "FROM:") else {
            return Reply(501, "MAIL FROM:<address>")
        }
        for parameter in parameters.map({ $0.uppercased() }) {
            if parameter.hasPrefix("SIZE=") {
                guard let size = UInt64(parameter.dropFirst(5)) else {
                    return Reply(501, "SIZE is a number")
                }
                guard size <= UInt64(Limits.mailBytesMax) else { return Self.tooLarge }
            } else if !["BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8"].contains(parameter) {
                return Reply(555, "Unknown parameter")
            }
        }
        sender = address
        return Reply(250, "OK")
    }

    private mutating func add(_ command: MailCommand) -> Reply {
        guard sender != nil else { return Reply(503, "MAIL first") }
        guard let (address, parameters) = command.path(after: "TO:"), !address.isEmpty else {
            return Reply(501, "RCPT TO:<address>")
        }
        guard parameters.isEmpty else { return Reply(555, "Unknown parameter") }
        guard recipients.count < Limits.recipientsMax else {
            return Reply(452, "Too many recipients")
        }
        recipients.append(address)
        return Reply(250, "OK")
    }

    private mutating func takeContent(_ line: LineCutter.Line) -> Reply? {
        switch line {
        case .tooLong: content?.takeTooLong()
        case .whole(let bytes):
            if bytes.count == 1, bytes.first == UInt8(ascii: ".") { return end() }
            content?.take(bytes)
        }
        return nil
    }

    private mutating func end() -> Reply {
        defer { reset() }
        guard let content, let sender else { return Reply(503, "MAIL first") }
        guard !content.hasLongLine else { return Reply(500, "Line too long") }
        guard content.bytes <= Limits.mailBytesMax else { return Self.tooLarge }
        swallow(content.mail(from: sender, to: recipients))
        return Reply(250, "Swallowed")
    }

    private static let tooLarge = Reply(552, "Too large: \(Limits.mailBytesMax) bytes at most")
}

// SPDX-License-Identifier: EUPL-1.2

/// What is told of a message that the sink has swallowed.
package struct Mail: Hashable, Sendable {
    /// Of the envelope; empty for a notice that nobody shall answer.
    package let sender: String
    package let recipients: [String]
    /// As it stands in the message: unfolded, but not decoded. Empty where there is none.
    package let subject: String
    /// Of the message with its head.
    package let bytes: Int

    package init(sender: String, recipients: [String], subject: String, bytes: Int) {
        self.sender = sender
        self.recipients = recipients
        self.subject = subject
        self.bytes = bytes
    }
}

/// A message while it comes. Nothing of it is kept but its subject.
struct MailContent {
    private(set) var bytes = 0
    private(set) var hasLongLine = false
    private var subject: [UInt8] = []
    private var isInHead = true
    private var isInSubject = false
    private var hasSubject = false

    /// The sender put a dot before each line that begins with one (RFC 5321, 4.5.2).
    mutating func take(_ stuffed: ArraySlice<UInt8>) {
        let line = stuffed.first == UInt8(ascii: ".") ? stuffed.dropFirst() : stuffed
        guard line.count + 2 < Limits.lineBytesMax else { return takeTooLong() }
        bytes += line.count + 2
        if isInHead { takeHead(line) }
    }

    mutating func takeTooLong() { hasLongLine = true }

    /// RFC 5322, 2.2.3: a line of the head that begins with a space continues the one before.
    private mutating func takeHead(_ line: ArraySlice<UInt8>) {
        isInHead = !line.isEmpty
        if isInSubject, line.first == 0x20 || line.first == 0x09 {
            return keep(line)
        }
        let name = Array("subject:".utf8)
        isInSubject = !hasSubject && line.prefix(name.count).map { $0 | 0x20 } == name
        if isInSubject {
            hasSubject = true
            keep(line.dropFirst(name.count).drop { $0 == 0x20 || $0 == 0x09 })
        }
    }

    private mutating func keep(_ text: ArraySlice<UInt8>) {
        subject += text.prefix(Limits.subjectBytesMax - subject.count)
    }

    func mail(from sender: String, to recipients: [String]) -> Mail {
        Mail(
            sender: sender, recipients: recipients,
            subject: String(decoding: subject, as: UTF8.self), bytes: bytes)
    }
}

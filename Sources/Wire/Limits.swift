// SPDX-License-Identifier: EUPL-1.2
import NIOHTTP1

/// What anybody on the other end of a socket can cost us at most.
enum Limits {
    /// Of the body of an application's answer; what comes after is not read.
    static let answerBytesMax = 1 << 20
    static let answerHead = head(fieldBytesMax: 16 << 10, bytesMax: 64 << 10)

    static let questionHead = head(fieldBytesMax: 8 << 10, bytesMax: 16 << 10)
    /// Of a body that nobody asked for, so that the refusal arrives.
    static let questionBytesMax = 64 << 10
    /// Languages that are looked at.
    static let wishesMax = 32

    /// Of mail, with its end and the dot before a dot; RFC 5321, 4.5.3.1.6.
    static let lineBytesMax = 1001
    /// RFC 5321, 4.5.3.1.3.
    static let pathBytesMax = 256
    static let recipientsMax = 100
    static let mailBytesMax = 10 << 20
    static let subjectBytesMax = 1000

    private static func head(
        fieldBytesMax: Int, bytesMax: Int
    ) -> NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = fieldBytesMax
        limits.maxHeaderListSize = bytesMax
        limits.maxHeaderFieldCount = 128
        return limits
    }
}

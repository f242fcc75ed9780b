// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// What makes a writer of one machine, once, without the passphrase (docs/format.md, section 11):
/// a secret, and enough of the root's fingerprint that only the right vault will do.
///
/// Whoever has it and reaches the vault before it is used becomes that writer. So it never shows
/// itself but in `text`: not in a log, not in an error.
package struct Token: Sendable {
    private static let secretBytes = 16
    /// The root is told apart by a person's eyes too; this is against a vault that somebody made
    /// for a token that leaked. 2^56 roots to try, in the hours for which it is valid.
    private static let rootBytes = 7
    private static let checkBytes = 2
    private static let bytesCount = secretBytes + rootBytes + checkBytes

    package static let lettersCount = bytesCount * 8 / 5
    private static let groupLetters = 5

    /// Crockford's base 32: without I, L, O and U, which are taken for others.
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    private let secret: [UInt8]
    private let root: [UInt8]

    package init(for root: Digest, from world: World) {
        secret = world.random(Self.secretBytes)
        self.root = Array(root.bytes.prefix(Self.rootBytes))
    }

    private static func check(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        Array(Sealing.hash(Sealing.labelled("zwilling token", bytes)).bytes.prefix(checkBytes))
    }

    package func isFor(_ root: Digest) -> Bool { root.bytes.starts(with: self.root) }

    // MARK: Keys

    private func derive(_ label: String, _ vault: Identifier, _ root: Digest) -> SymmetricKey {
        Sealing.derive(SymmetricKey(data: secret), label, vault.bytes + root.bytes)
    }

    /// Under which name the invitation lies. It says nothing about the token.
    package func name(vault: Identifier, root: Digest) -> Identifier {
        let bytes = derive("zwilling invitation name", vault, root).bytes
        guard let name = Identifier(Array(bytes.prefix(Identifier.byteCount))) else {
            preconditionFailure("a derived key has 32 bytes")
        }
        return name
    }

    /// Used once, since each invitation has a token of its own.
    package func key(vault: Identifier, root: Digest) -> SymmetricKey {
        derive("zwilling invitation", vault, root)
    }
}

// Nothing that prints a value by accident may print this one.
extension Token: CustomStringConvertible, CustomReflectable {
    package var description: String { "token (not shown)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

// MARK: - As people type it

extension Token {
    /// Eight groups of five letters.
    package var text: String {
        let body = secret + root
        let bytes = body + Self.check(body)
        var letters: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                if !letters.isEmpty, letters.count % (Self.groupLetters + 1) == Self.groupLetters {
                    letters.append(UInt8(ascii: "-"))
                }
                letters.append(Self.alphabet[Int(bits >> count & 31)])
            }
        }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Reads what was typed: large or small letters, with spaces and dashes anywhere, O for 0 and
    /// I or L for 1.
    ///
    /// - Throws: `.wrongUse`, which says where the error is as far as that can be known, and
    ///   repeats nothing of what was typed.
    package init(typed: [UInt8]) throws(Trouble) {
        var values: [UInt8] = []
        for letter in typed where ![0x20, 0x09, 0x0a, 0x0d, 0x2d].contains(letter) {
            guard let value = Self.value(of: letter) else {
                throw .mistyped(
                    Words(
                        "its letter \(values.count + 1) occurs in no token",
                        de: "das \(values.count + 1). Zeichen kommt in keinem Token vor"))
            }
            values.append(value)
        }
        guard values.count == Self.lettersCount else {
            throw .mistyped(
                Words(
                    "it has \(values.count) letters instead of \(Self.lettersCount)",
                    de: "es hat \(values.count) statt \(Self.lettersCount) Zeichen"))
        }
        let bytes = Self.joined(values)
        let body = bytes.dropLast(Self.checkBytes)
        guard bytes.suffix(Self.checkBytes).elementsEqual(Self.check(body)) else {
            throw .mistyped(
                Words(
                    "at least one letter is another one",
                    de: "mindestens ein Zeichen ist ein anderes"))
        }
        secret = Array(body.prefix(Self.secretBytes))
        root = Array(body.suffix(Self.rootBytes))
    }

    private static func value(of letter: UInt8) -> UInt8? {
        let large = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) ? letter - 32 : letter
        switch large {
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default: return alphabet.firstIndex(of: large).map { UInt8($0) }
        }
    }

    private static func joined(_ values: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for value in values {
            bits = bits << 5 | UInt32(value)
            count += 5
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
        return bytes
    }
}

extension Trouble {
    fileprivate static func mistyped(_ why: Words) -> Trouble {
        Trouble(
            .wrongUse,
            Words("This is no token: \(why.english).", de: "Das ist kein Token: \(why.german)."),
            advice: Words(
                "A token has \(Token.lettersCount) letters in groups of five; compare it with what \"zwilling agent invite\" showed.",
                de: "Ein Token hat \(Token.lettersCount) Zeichen in Fünfergruppen; mit dem vergleichen, was „zwilling agent invite“ zeigte."
            ))
    }
}

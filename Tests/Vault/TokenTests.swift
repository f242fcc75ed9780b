// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Vault

@Suite("A token")
struct TokenTests {
    private let root = Sealing.hash([1, 2, 3] as [UInt8])
    private let vault = Identifier(from: .seeded(9))

    private func token(_ seed: UInt64 = 1) -> Token { Token(for: root, from: .seeded(seed)) }

    private func typed(_ text: String) throws -> Token { try Token(typed: Array(text.utf8)) }

    private func isSame(_ one: Token, _ other: Token) -> Bool {
        one.text == other.text
            && one.key(vault: vault, root: root) == other.key(vault: vault, root: root)
    }

    @Test("comes back as it was typed, large or small, with spaces, and with letters that look alike")
    func roundTrip() throws {
        for seed in UInt64(1)...50 {
            let token = token(seed)
            let text = token.text
            #expect(text.utf8.count == 47 && text.split(separator: "-").map(\.count).allSatisfy { $0 == 5 })
            #expect(isSame(try typed(text), token))
            #expect(isSame(try typed(text.lowercased()), token))
            #expect(isSame(try typed("  \(text.replacing("-", with: " "))\r\n"), token))
            #expect(isSame(try typed(text.replacing("-", with: "")), token))
            let alike = text.replacing("0", with: "o").replacing("1", with: "l")
            #expect(isSame(try typed(alike), token))
            #expect(isSame(try typed(text.replacing("1", with: "I")), token))
        }
    }

    @Test("has every letter under its checksum: another one, or two changed places, is named")
    func mistyped() async throws {
        let text = Array(token().text.utf8)
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        for place in text.indices where text[place] != UInt8(ascii: "-") {
            for letter in alphabet where letter != text[place] {
                var changed = text
                changed[place] = letter
                let refused = try await trouble { _ = try Token(typed: changed) }
                #expect(refused?.kind == .wrongUse)
            }
            guard place > 0, text[place - 1] != UInt8(ascii: "-"), text[place] != text[place - 1]
            else { continue }
            var swapped = text
            swapped.swapAt(place, place - 1)
            #expect(try await trouble { _ = try Token(typed: swapped) }?.kind == .wrongUse)
        }
        for (wrong, word) in [
            ("", "0 letters"), (String(token().text.dropLast()), "39 letters"),
            (token().text + "0", "41 letters"), ("AU" + token().text, "letter 2"),
            ("\u{fc}", "letter 1"),
        ] {
            let refused = try await trouble { _ = try typed(wrong) }
            #expect(refused?.kind == .wrongUse)
            #expect(refused?.message.english.contains(word) == true, "\(wrong)")
        }
    }

    @Test("is for one root, and its keys are for one vault")
    func bound() throws {
        let token = token()
        let other = Sealing.hash([4] as [UInt8])
        #expect(token.isFor(root) && !token.isFor(other))
        let elsewhere = Identifier(from: .seeded(10))
        let names = [
            token.name(vault: vault, root: root), token.name(vault: elsewhere, root: root),
            token.name(vault: vault, root: other), self.token(2).name(vault: vault, root: root),
        ]
        #expect(Set(names).count == 4)
        let keys = [
            token.key(vault: vault, root: root), token.key(vault: elsewhere, root: root),
            token.key(vault: vault, root: other), self.token(2).key(vault: vault, root: root),
        ]
        #expect(Set(keys.map { $0.bytes.hex }).count == 4)
        #expect(!keys.contains { $0.bytes.hex.hasPrefix(names[0].description) })
    }

    @Test("shows itself to nobody who does not ask for its letters")
    func silent() {
        let token = token()
        var dumped = ""
        dump(token, to: &dumped)
        let shown = "\(token) \(String(reflecting: token)) \([token]) \(dumped)"
        #expect(!shown.contains(token.text.prefix(5)))
        let secret = World.seeded(1).random(16)
        #expect(!shown.contains(secret.hex) && !shown.contains("\(secret[0]), \(secret[1])"))
    }
}

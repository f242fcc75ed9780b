// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// The keys that a keyring names.
struct KeyList {
    let keyring: Keyring
    /// The writer that this machine is.
    let mine: Identifier?

    var lines: [String] {
        let heading = [
            "ID", say("STATE", de: "ZUSTAND"), say("ADDED", de: "ANGEMELDET"),
            say("WRITER", de: "SCHREIBER"),
        ]
        let rows = keyring.writers.map { writer in
            let isMine = writer.id == mine
            return [
                short(writer.id), stateText(writer.state), localTime(writer.added),
                plain(writer.name)
                    + (isMine ? say(" (this machine)", de: " (dieser Rechner)") : ""),
            ]
        }
        return [
            say("Vault ", de: "Tresor ") + keyring.vault.description
                + say(", keyring ", de: ", Schlüsselring ") + "\(keyring.number)",
            say("Root ", de: "Wurzel ") + inGroups(keyring.root.fingerprint.hex),
        ] + table([heading] + rows, rightAligned: []) + stewards
    }

    private var stewards: [String] {
        guard !keyring.stewards.isEmpty else { return [] }
        let heading = ["ID", say("STATE", de: "ZUSTAND"), say("ADDED", de: "ANGEMELDET"), say("STEWARD", de: "VERWALTER")]
        let rows = keyring.stewards.map { steward in
            let state = steward.lastStatement.map {
                say("retired after statement \($0)", de: "stillgelegt nach Erklärung \($0)")
            } ?? say("active", de: "aktiv")
            return [short(steward.id), state, localTime(steward.added), plain(steward.name)]
        }
        return table([heading] + rows, rightAligned: [])
    }

    private func stateText(_ state: Writer.State) -> String {
        switch state {
        case .active: say("active", de: "aktiv")
        case .retired(let last, _):
            say("retired after record \(last)", de: "stillgelegt nach Eintrag \(last)")
        }
    }

    struct Fields: Encodable {
        struct WriterFields: Encodable {
            let id: String
            let name: String
            let added: String
            let isActive: Bool
            let isThisMachine: Bool
            let lastSequence: UInt64?
        }
        let vault: String
        let keyring: UInt32
        let root: String
        let epochs: [UInt32]
        let writers: [WriterFields]
        struct StewardFields: Encodable {
            let id, name, added: String
            let isActive: Bool
        }
        let stewards: [StewardFields]
    }

    var fields: Fields {
        let writers = keyring.writers.map { writer in
            var last: UInt64?
            if case .retired(let sequence, _) = writer.state { last = sequence }
            return Fields.WriterFields(
                id: writer.id.description, name: writer.name, added: isoTime(writer.added),
                isActive: last == nil, isThisMachine: writer.id == mine, lastSequence: last)
        }
        return Fields(
            vault: keyring.vault.description, keyring: keyring.number,
            root: keyring.root.fingerprint.hex, epochs: keyring.epochs.map(\.number),
            writers: writers,
            stewards: keyring.stewards.map {
                Fields.StewardFields(id: $0.id.description, name: $0.name, added: isoTime($0.added), isActive: $0.isActive)
            })
    }
}

extension KnownVault {
    /// The active writer that a person means by its name or the first digits of its id.
    func activeWriter(_ wish: String) throws(Trouble) -> Writer {
        let active = vault.keyring.writers.filter { writer in
            if case .active = writer.state { true } else { false }
        }
        let found = active.filter {
            $0.name == wish || wish.count >= 4 && $0.id.description.hasPrefix(wish.lowercased())
        }
        if found.count == 1 { return found[0] }
        throw Trouble(
            .wrongUse,
            found.isEmpty
                ? Words(
                    "There is no active writer \"\(plain(wish))\".",
                    de: "Einen aktiven Schreiber „\(plain(wish))“ gibt es nicht.")
                : Words(
                    "Several active writers are meant by \"\(plain(wish))\".",
                    de: "„\(plain(wish))“ passt auf mehrere aktive Schreiber."),
            advice: Words(
                "\"zwilling keys list\" shows them; give the first digits of the id.",
                de: "„zwilling keys list“ zeigt sie; die ersten Stellen der Kennung angeben."))
    }

    /// The active steward that a person means by the first digits of its id, or by a name that no writer has.
    func activeSteward(_ wish: String) -> Steward? {
        let found = vault.keyring.stewards.filter {
            $0.isActive && ($0.name == wish || wish.count >= 4 && $0.id.description.hasPrefix(wish.lowercased()))
        }
        let isWriter = vault.keyring.writers.contains { $0.name == wish }
        return found.count == 1 && !isWriter ? found[0] : nil
    }

    /// Throws where this machine is an active writer already.
    func refuseSecondWriter() throws(Trouble) {
        guard let keys = try state.keys(), let writer = vault.keyring.writer(keys.writer),
            case .active = writer.state
        else { return }
        throw Trouble(
            .exists,
            Words(
                "This machine is a writer already: \"\(plain(writer.name))\".",
                de: "Dieser Rechner ist schon Schreiber: „\(plain(writer.name))“."),
            advice: Words(
                "With --replace it becomes a new one, and the old key is forgotten here.",
                de: "Mit --replace wird er ein neuer, und der alte Schlüssel wird hier vergessen."))
    }
}

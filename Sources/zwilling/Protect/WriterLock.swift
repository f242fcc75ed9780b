// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// Held by the one run on this machine that may use a writer's keys; the system lets go of it
/// when the process ends, however it ends.
final class WriterLock {
    private let file: Descriptor
    private let folder: [UInt8]

    /// - Parameter isService: of a run that does not end by itself, and takes wishes meanwhile.
    init(_ state: VaultState, isService: Bool = false) throws(Trouble) {
        let path = state.path(.lock)
        folder = state.folder
        do throws(SystemError) {
            try Machine.makeDirectories(state.folder)
            file = try Self.open(Array(VaultState.File.lock.rawValue.utf8), in: Descriptor.directory(state.folder))
            // Whoever only looks holds it for a moment, and who has only just taken it has not yet said
            // so: the file is empty, or tells the last one.
            for _ in 0..<100 {
                if try file.tryLock() {
                    try file.truncate(to: 0)
                    let word = isService ? "\(Self.service)\n" : ""
                    try file.write(Array("\(Machine.processId)\n\(word)".utf8), at: 0)
                    return
                }
                if let holder = Self.holder(path), holder.isThere { break }
                Machine.pause(milliseconds: 10)
            }
        } catch {
            throw error.at(path).trouble(Words("Cannot lock", de: "Sperre misslingt:"))
        }
        // Not every system shows the processes of others.
        let holder = Self.holder(path)
        throw holder?.isService == true ? Self.served(by: holder?.process ?? "?") : Self.taken(by: holder?.process ?? "?")
    }

    /// Of the vault of this state.
    func isFor(_ state: VaultState) -> Bool { folder == state.folder }

    private static let service = "service"

    private struct Holder {
        let process: String
        let isService: Bool

        var isThere: Bool { process != "\(Machine.processId)" && Machine.exists(Array("/proc/\(process)".utf8)) }
    }

    /// Who wrote its name there last; nil while none is there whole.
    private static func holder(_ path: [UInt8]) -> Holder? {
        do throws(SystemError) {
            let text = String(decoding: try Machine.readWhole(path, upTo: 64), as: UTF8.self)
            let lines = text.split(separator: "\n")
            guard text.hasSuffix("\n"), let first = lines.first, first.allSatisfy(\.isNumber) else { return nil }
            return Holder(process: String(first), isService: lines.dropFirst().first.map(String.init) == service)
        } catch { return nil }
    }

    /// The process of the service that holds it; nil where none does, or another run.
    static func service(of state: VaultState) -> String? {
        guard let holder = holder(state.path(.lock)), holder.isService, holder.isThere else { return nil }
        do throws(SystemError) { return try isHeld(state) ? holder.process : nil } catch { return nil }
    }

    private static func isHeld(_ state: VaultState) throws(SystemError) -> Bool {
        let folder = try Descriptor.directory(state.folder)
        return try !folder.openForWriting(Array(VaultState.File.lock.rawValue.utf8)).tryLock()
    }

    fileprivate static func open(
        _ name: [UInt8], in folder: borrowing Descriptor
    ) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try folder.create(name)
        } catch {
            guard error.kind == .exists else { throw error }
            return try folder.openForWriting(name)
        }
    }

    private static func served(by process: String) -> Trouble {
        Trouble(
            .busy,
            Words(
                "The service that protects this machine writes to this vault: process \(process).",
                de: "Der Dienst, der diesen Rechner sichert, schreibt in diesen Tresor: Prozess \(process)."),
            advice: Words(
                "It does not end by itself. Describe the path as a data set of its blueprint (kind: files), which it then captures, at once with \"zwilling protect --data ID\"; or stop it, run this command again, and start it.",
                de: "Er endet nicht von selbst. Den Pfad als Datenbestand in seinem Bauplan beschreiben (kind: files), den er dann sichert, sofort mit „zwilling protect --data ID“; oder ihn anhalten, den Befehl wiederholen und ihn wieder starten."))
    }

    private static func taken(by process: String) -> Trouble {
        Trouble(
            .busy,
            Words(
                "Another Zwilling on this machine is writing to this vault: process \(process).",
                de: "Ein anderer Zwilling auf diesem Rechner schreibt gerade in diesen Tresor: "
                    + "Prozess \(process)."),
            advice: Words(
                "Wait until it has ended, then run the same command again.",
                de: "Warten, bis er fertig ist, und den Befehl wiederholen."))
    }
}

/// Held by the one command on this machine that brings up or ends the twin of a vault.
final class ActivationLock {
    private let file: Descriptor

    init(_ state: VaultState) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(state.folder)
            let folder = try Descriptor.directory(state.folder)
            file = try WriterLock.open(Array(VaultState.File.activationLock.rawValue.utf8), in: folder)
            if try file.tryLock() { return }
        } catch {
            throw error.at(state.path(.activationLock)).trouble(Words("Cannot lock", de: "Sperre misslingt:"))
        }
        throw Trouble(
            .busy,
            Words(
                "Another command on this machine is bringing up or ending this twin.",
                de: "Ein anderer Befehl auf diesem Rechner fährt diesen Zwilling gerade hoch oder beendet ihn."),
            advice: Words("Wait until it has ended; \"zwilling running\" shows how far it is.", de: "Warten, bis er fertig ist; „zwilling running“ zeigt, wie weit er ist."))
    }
}

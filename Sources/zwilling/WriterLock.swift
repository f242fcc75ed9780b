// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// Held by the one run on this machine that may use a writer's keys; the system lets go of it
/// when the process ends, however it ends.
final class WriterLock {
    private let file: Descriptor

    /// - Parameter isService: of a run that does not end by itself, and takes wishes meanwhile.
    init(_ state: VaultState, isService: Bool = false) throws(Trouble) {
        let path = state.path(.lock)
        do throws(SystemError) {
            try Machine.makeDirectories(state.folder)
            let folder = try Descriptor.directory(state.folder)
            file = try Self.open(Array(VaultState.File.lock.rawValue.utf8), in: folder)
            let isMine = try file.tryLock()
            if isMine {
                try file.truncate(to: 0)
                let word = isService ? "\(Self.service)\n" : ""
                try file.write(Array("\(Machine.processId)\n\(word)".utf8), at: 0)
                return
            }
        } catch {
            throw error.at(path).trouble(Words("Cannot lock", de: "Sperre misslingt:"))
        }
        if let process = Self.service(of: state) { throw Self.served(by: process) }
        throw Self.taken(by: Self.holder(path))
    }

    private static let service = "service"

    /// The process of the service that holds it; nil where none does, or another run.
    static func service(of state: VaultState) -> String? {
        do throws(SystemError) {
            let text = try Machine.readWhole(state.path(.lock), upTo: 64)
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            guard lines.count == 2, lines[1] == service,
                Machine.exists(Array("/proc/\(lines[0])".utf8)), try isHeld(state)
            else { return nil }
            return String(lines[0])
        } catch { return nil }
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

    /// The process that holds it. One that has only just taken it has not yet said so: the file is
    /// empty, or tells the last one.
    private static func holder(_ path: [UInt8]) -> String {
        var process = "?"
        for _ in 0..<100 {
            do throws(SystemError) {
                let digits = try Machine.readWhole(path, upTo: 32).prefix { (0x30...0x39).contains($0) }
                if !digits.isEmpty { process = String(decoding: digits, as: UTF8.self) }
                if Machine.exists(Array("/proc/\(process)".utf8)) { return process }
            } catch { return "?" }
            Machine.pause(milliseconds: 10)
        }
        // Not every system shows the processes of others.
        return process
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

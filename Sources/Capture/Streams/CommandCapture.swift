// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs
import Vault

/// What a program says, as one file: the road to every database whose vendor has a dump tool.
actor CommandSource: StreamSource {
    private let output: ProgramOutput
    /// nil once the file has begun.
    private var entry: StreamedEntry?

    init(_ output: ProgramOutput, as entry: StreamedEntry) {
        (self.output, self.entry) = (output, entry)
    }

    func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
        if let entry = entry.take() { batch.begin(entry) }
        guard let bytes = try await output.next() else { return false }
        batch.append(bytes)
        return true
    }
}

/// Files that are in memory already: a secret, the blueprint.
package actor HeldSource: StreamSource {
    private var files: ArraySlice<(entry: StreamedEntry, bytes: [UInt8])>

    package init(_ files: [(entry: StreamedEntry, bytes: [UInt8])]) { self.files = files[...] }

    package func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
        guard let (entry, bytes) = files.popFirst() else { return false }
        batch.begin(entry)
        batch.append(bytes)
        return true
    }
}

extension StreamCapture {
    /// Captures what a program says on its standard output.
    ///
    /// - Throws: where it ends with anything but exit code 0, not in time, or without having said
    ///   anything. Then there is no snapshot, however much it had said.
    package func run(
        _ program: Program, as name: [UInt8], cache: WriterCache,
        report: @escaping @Sendable (CaptureProgress) -> Void = { _ in }
    ) async throws(Trouble) -> Captured {
        let entry = StreamedEntry([name], permissions: 0o600, modified: draft.begun)
        let stored = try await program.streaming { output async throws(Trouble) in
            try await store(CommandSource(output, as: entry), cache: cache, report: report)
        }
        guard stored.hasContent else { throw .saidNothing }
        return try await commit(stored)
    }
}

extension Trouble {
    /// A dump of nothing is none, whatever its exit code says.
    static let saidNothing = Trouble(
        .missing,
        Words(
            "The command ended with exit code 0 and said nothing: there is no snapshot.",
            de: "Der Befehl endete mit Rückgabewert 0 und gab nichts aus: Es gibt keinen Stand."),
        advice: Words(
            "Run it by hand as this user: it must write to its standard output, not to a file.",
            de: "Ihn als dieser Benutzer von Hand ausführen: Er muss auf die Standardausgabe schreiben, nicht in eine Datei."))
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Postgres
import Programs
import Vault

/// A data set of a blueprint → a snapshot, each kind in its own way.
package struct DataSetCapture: Sendable {
    package let writer: VaultWriter
    package let host: String
    /// The vault's own directory, which is never part of what it protects.
    package let vault: TreePath?

    private let whereabouts: Whereabouts

    package init(
        _ writer: VaultWriter, host: String, vault: TreePath?, whereabouts: Whereabouts = .original
    ) {
        (self.writer, self.host, self.vault) = (writer, host, vault)
        self.whereabouts = whereabouts
    }

    /// The blueprint's own snapshots go by this name, which no data set may have.
    package static let blueprint = "blueprint"
    /// So do those of the container images.
    package static let images = "images"

    private static let secretBytesMax = 1 << 20

    package func run(
        _ data: DataSet, cache: WriterCache,
        report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> Captured {
        let id = data.id.value
        switch data.source {
        case .files(let files): return try await run(files, id, cache, report)
        case .command(let command):
            let program = Program(
                shell: command.dump.value, timeout: .seconds(command.timeout.seconds))
            return try await stream(id, .command).run(
                program, as: Array(id.utf8), cache: cache, report: report)
        case .postgres(let postgres):
            return try await run(postgres, id, cache, report)
        case .secret(let secret):
            let held = try await held(secret, id)
            return try await store([held], id, .secret, cache)
        }
    }

    /// The blueprint with the files that it names, or other small files that Zwilling makes itself.
    package func run(
        blueprint files: [(name: String, bytes: [UInt8])], as id: String = blueprint,
        releasing released: [RecordBody.Released] = [], cache: WriterCache
    ) async throws(Trouble) -> Captured {
        let begun = writer.world.now()
        let held = files.map { file in
            let path = file.name.split(separator: "/").map { Array($0.utf8) }
            return (StreamedEntry(path, permissions: 0o600, modified: begun), file.bytes)
        }
        return try await store(held, id, id == Self.blueprint ? .blueprint : .files, cache) { $0.released = released }
    }

    /// The container images that were found.
    func run(
        _ images: ImageCapture, _ look: ImageLook, cache: WriterCache,
        report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> ImageCapture.Outcome {
        try await images.run(look, to: stream(Self.images, .files), cache: cache, report: report)
    }

    // MARK: Kinds

    private func run(
        _ files: DataSet.Files, _ id: String, _ cache: WriterCache,
        _ report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> Captured {
        if let marker = files.completeMarker {
            try Self.check((whereabouts.roots[id] ?? []) + Array(marker.value.utf8))
        }
        var options = CaptureOptions()
        options.staysOnFileSystem = files.staysOnFileSystem
        options.exclusion = try files.exclusion
        options.leavesOut = Set([vault].compactMap(\.self))
        if let root = whereabouts.roots[id] { options.root = root }
        let paths = try files.paths.map { path throws(Trouble) in
            whereabouts.roots[id] == nil
                ? try resolved(path.value) : path.value.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        }
        return try await FileCapture(
            writer, dataSet: id, host: host, paths: paths, options: options
        ).run(cache: cache, report: report)
    }

    private func resolved(_ path: String) throws(Trouble) -> TreePath {
        let act = Words("Cannot protect", de: "Kann nicht sichern:")
        let real: [UInt8]
        do throws(SystemError) { real = try Machine.realPath(Array(path.utf8)) } catch {
            throw error.at(Array(path.utf8)).trouble(act)
        }
        let steps = real.split(separator: UInt8(ascii: "/")).map(Array.init)
        guard vault.map({ !steps.starts(with: $0) }) ?? true else {
            throw Trouble(
                .wrongUse,
                Words("\"\(path)\" lies in the vault itself.", de: "„\(path)“ liegt im Tresor selbst."),
                advice: Words("Take it out of the blueprint.", de: "Aus dem Bauplan entfernen."))
        }
        return steps
    }

    /// A drop folder is captured only when whoever fills it says that all is there.
    private static func check(_ path: [UInt8]) throws(Trouble) {
        guard !Machine.exists(path) else { return }
        let marker = printable(path)
        throw Trouble(
            .missing,
            Words("There is no \"\(marker)\": the folder is not complete.", de: "„\(marker)“ fehlt: Der Ordner ist nicht vollständig."),
            advice: Words(
                "Nothing was captured, and earlier snapshots stay. See why whoever fills it has not finished.",
                de: "Es wurde nichts gesichert; frühere Stände bleiben. Prüfen, warum das Füllen nicht fertig wurde."))
    }

    private static func secret(in path: [UInt8]) throws(Trouble) -> [UInt8] {
        do throws(SystemError) { return try Machine.readWhole(path, upTo: secretBytesMax) } catch {
            throw error.trouble(Words("Cannot read the secret", de: "Geheimnis nicht lesbar:"))
        }
    }

    private func held(
        _ secret: DataSet.Secret, _ id: String
    ) async throws(Trouble) -> (StreamedEntry, [UInt8]) {
        let bytes: [UInt8]
        switch (whereabouts.secrets[id], secret.origin) {
        case (let place?, _): bytes = try Self.secret(in: place)
        case (nil, .file(let file)): bytes = try Self.secret(in: Array(file.value.utf8))
        case (nil, .command(let line)):
            var program = Program(shell: line.value, timeout: .seconds(secret.timeout.seconds))
            program.isQuoted = false
            bytes = try await program.output(upTo: Self.secretBytesMax)
            guard !bytes.isEmpty else { throw .saidNothing }
        }
        let entry = StreamedEntry(
            [Array(id.utf8)], permissions: 0o600, modified: writer.world.now())
        return (entry, bytes)
    }

    private func run(
        _ postgres: DataSet.Postgres, _ id: String, _ cache: WriterCache,
        _ report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> Captured {
        let address: ServerAddress
        do throws(ServerError) {
            if let known = whereabouts.addresses[id] {
                address = known
            } else {
                address = try ServerAddress(postgres.connection.value)
            }
        } catch { throw error.trouble }
        let base = try PostgresBase(address, now: writer.world.now)
        let capture = stream(id, .postgresBase)
        let stored = try await capture.store(base, cache: cache, report: report)
        let span = try base.span()
        return try await capture.commit(stored) { $0.postgres = span }
    }

    private func stream(_ id: String, _ source: RecordBody.Source) -> StreamCapture {
        var draft = RecordBody(
            kind: .snapshot, begun: writer.world.now(), dataSet: id, host: host, paths: [])
        draft.source = source
        return StreamCapture(writer, draft: draft)
    }

    private func store(
        _ held: [(StreamedEntry, [UInt8])], _ id: String, _ source: RecordBody.Source,
        _ cache: WriterCache, amend: (inout RecordBody) -> Void = { _ in }
    ) async throws(Trouble) -> Captured {
        let capture = stream(id, source)
        return try await capture.commit(capture.store(HeldSource(held), cache: cache), amend: amend)
    }
}

extension DataSet.Files {
    /// What of it is left out.
    package var exclusion: Exclusion {
        get throws(Trouble) {
            do throws(PatternFault) {
                let patterns = try exclude.map { text throws(PatternFault) in try Pattern(line: Array(text.value.utf8)) }
                return Exclusion(patterns.compactMap { $0 })
            } catch {
                // A blueprint with such a pattern is not read; still, nothing is captured without it.
                let line = String(decoding: error.line, as: UTF8.self)
                throw Trouble(.wrongUse, error.reason.message(on: line), advice: error.reason.advice, cause: error)
            }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Revival
import Vault

/// What was written last, into the vault by the capture that runs beside, and how far that goes.
final class LastCapture {
    private let known: KnownVault
    private let keys: WriterKeys
    private let wishes: Wishes
    private var files: Set<String> = []
    private var snapshots: [String] = []

    private static let seconds = 60.0
    /// Of a cluster: as far as its log is written.
    static let question = "SELECT pg_current_wal_flush_lsn() - '0/0'"

    init(_ known: KnownVault, _ keys: WriterKeys) {
        (self.known, self.keys, wishes) = (known, keys, Wishes(known.state))
    }

    /// Files once more.
    func ask(for ids: [String]) throws(Trouble) {
        files = Set(ids)
        try wishes.ask(ids.sorted())
    }

    /// - Parameter ends: of each cluster, how far its log must lie in the vault.
    func cuts(of dataSets: [String], to ends: [String: UInt64]) async throws(Trouble) -> [Promotion.Cut] {
        try await wait { () throws(Trouble) in
            for id in files {
                switch wishes.answer(id) {
                case nil: continue
                case .captured(let snapshot, _):
                    files.remove(id)
                    snapshots.append(snapshot)
                case .failed(let told): throw Trouble(.system, Words("\(plain(id)): \(told.message)", de: "\(plain(id)): \(told.message)"))
                }
            }
            return files.isEmpty
        }
        let observer: Sealing.RecipientKey
        do { observer = try keys.observer } catch {
            throw Trouble(.damaged, Words("The observer's key of this machine is damaged.", de: "Der Beobachterschlüssel dieses Rechners ist beschädigt."))
        }
        var cuts: [Promotion.Cut] = []
        try await wait { () throws(Trouble) in
            let observed = try await Observed(known.fresh(), with: observer, remembering: known.state.memory())
            let units = try await Units(of: observed)
            cuts = observed.cuts(of: Set(dataSets), units)
            // What a site shows may be older than what was put.
            guard snapshots.allSatisfy({ one in observed.snapshots.contains { $0.id.hex == one } }) else { return false }
            return ends.allSatisfy { id, end in observed.logEnd(of: id, by: keys.writer, units) >= end }
        }
        return cuts
    }

    private func wait(until isSo: () async throws(Trouble) -> Bool) async throws(Trouble) {
        let begun = Terminal.seconds()
        while try await !isSo() {
            guard Terminal.seconds() - begun < Self.seconds else { throw Self.notAllIsKept }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { throw Self.notAllIsKept }
        }
    }

    static func doesNotRun(_ name: String) -> Trouble {
        Trouble(.busy, Words("\"\(plain(name))\" does not run, so what it wrote last is not known.", de: "„\(plain(name))“ läuft nicht, daher ist nicht bekannt, was es zuletzt schrieb."))
    }

    private static let notAllIsKept = Trouble(
        .busy,
        Words(
            "What was written last is not in the vault yet: the capture that runs here does not take it.",
            de: "Was zuletzt geschrieben wurde, ist noch nicht im Tresor: Die Sicherung, die hier läuft, nimmt es nicht an."))
}

extension Observed {
    /// How far the log of a cluster lies in the vault.
    fileprivate func logEnd(of dataSet: String, by writer: Identifier, _ units: Units) -> UInt64 {
        let ranges = facts.filter { $0.writer.id == writer && $0.body.dataSet == dataSet }.compactMap { $0.body.postgres?.end }
        let log = units.facts.filter { $0.writer.id == writer && $0.facts.dataSet == dataSet }.map(\.facts.span.end)
        return (ranges + log).max() ?? 0
    }
}

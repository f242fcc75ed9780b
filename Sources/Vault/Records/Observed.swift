// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Sites

/// A vault whose records can be read: what an observer sees.
package struct Observed: Sendable {
    /// What one record says.
    package struct Fact: Sendable {
        package let writer: Writer
        package let sequence: UInt64
        /// The hash of the record: the name of a snapshot.
        package let id: Digest
        package let body: RecordBody
        let list: PackList
        /// False where the list rests on a record that cannot be read: then any pack of the writer may be needed.
        let isListWhole: Bool
        /// Whether a steward has let it go: its packs need not be there.
        package let isForgotten: Bool

        /// Worked out anew each time: thousands of facts share most of their lists.
        package var packs: [PackReference] { list.packs }
    }

    package let vault: Vault
    /// All writers' records, by time, those that were let go too.
    package let facts: [Fact]
    package let heads: [Identifier: ChainHead]
    /// Records that are damaged or missing, each named.
    let recordTroubles: [Trouble]
    private let statementTroubles: [Trouble]
    /// Of the stewards.
    package let newest: Statement?
    let observer: Sealing.RecipientKey

    /// Records and statements that are damaged or missing, each named.
    package var troubles: [Trouble] { statementTroubles + recordTroubles }

    /// What was not let go.
    package var kept: [Fact] { facts.filter { !$0.isForgotten } }
    package var snapshots: [Fact] { facts.filter { $0.body.kind == .snapshot && !$0.isForgotten } }

    /// Snapshots that each machine which drills has found right last.
    var released: Set<RecordBody.Released> {
        let drills = Dictionary(grouping: facts.filter { !$0.body.released.isEmpty }, by: \.writer.id)
        return Set(drills.values.compactMap { $0.max { $0.sequence < $1.sequence } }.flatMap(\.body.released))
    }

    /// - Parameter writers: nil for all that the keyring names.
    /// - Parameter isBundled: whether bundles may stand for the records in them. Not for whoever checks
    ///   that all records are there.
    package init(
        _ vault: Vault, writers: [Writer]? = nil, with observer: Sealing.RecipientKey,
        remembering memory: Memory? = nil, isBundled: Bool = true
    ) async throws(Trouble) {
        var facts: [Fact] = []
        var heads: [Identifier: ChainHead] = [:]
        var troubles: [Trouble] = []
        var denied: Trouble?
        var (newest, doubts) = try await vault.newestStatement()
        do throws(Trouble) { try memory?.check(newest, site: vault.site.label) } catch { doubts.append(error) }
        for writer in writers ?? vault.keyring.writers {
            do throws(Trouble) {
                let remembered = memory?.heads[writer.id] ?? .start
                let bundles = isBundled ? try await vault.bundles(of: writer, with: observer, remembered: remembered) : []
                let entries = bundles.flatMap(\.self)
                let known = ChainHead(sequence: UInt64(entries.count), hash: entries.last?.hash ?? .zero)
                let chain = try await Chain(of: writer, in: vault, after: known, remembered: remembered)
                heads[writer.id] = chain.head ?? (entries.isEmpty ? nil : known)
                troubles += chain.troubles
                let all = PackLists()
                var lists: [UInt64: (list: PackList, isWhole: Bool)] = [:]
                func add(_ sequence: UInt64, _ hash: Digest, _ body: () throws(Trouble) -> RecordBody) {
                    do throws(Trouble) {
                        let body = try body()
                        let base = lists[body.base]
                        if body.base > 0, base == nil {
                            troubles.append(.baseless(Record.name(writer.id, sequence), body.base, at: vault.site.label))
                        }
                        let list = all.add(after: base?.list, adding: body.packsAdded, removing: body.base > 0 ? body.packsRemoved : [])
                        let isWhole = body.base == 0 || base?.isWhole ?? false
                        lists[sequence] = (list, isWhole)
                        facts.append(
                            Fact(
                                writer: writer, sequence: sequence, id: hash, body: body, list: list, isListWhole: isWhole,
                                isForgotten: newest?.hasForgotten(writer.id, sequence) ?? false))
                    } catch { troubles.append(error) }
                }
                for (index, entry) in entries.enumerated() { add(UInt64(index) + 1, entry.hash) { entry.body } }
                // To open one takes longer than all else with it.
                let opened = await gathered(chain.records, width: Machine.cores) { record in
                    Result { () throws(Trouble) in try Self.body(record, of: writer, with: observer, site: vault.site.label) }
                }
                for (record, body) in zip(chain.records, opened) {
                    add(record.sequence, record.hash) { () throws(Trouble) in try body.get() }
                }
            } catch {
                // With the least rights a writer sees its own.
                guard error.kind == .denied else { throw error }
                denied = error
                troubles.append(error)
            }
        }
        if let denied, heads.isEmpty { throw denied }
        (self.vault, self.observer) = (vault, observer)
        self.facts = facts.sorted { ($0.body.begun, $0.id) < ($1.body.begun, $1.id) }
        (self.heads, self.newest) = (heads, newest)
        (recordTroubles, statementTroubles) = (troubles, doubts)
    }

    private static func body(
        _ record: Record, of writer: Writer, with observer: Sealing.RecipientKey, site: String
    ) throws(Trouble) -> RecordBody {
        let name = Record.name(writer.id, record.sequence).text
        do { return try record.body(with: observer) } catch {
            switch error {
            case .unopened:
                throw .damaged(
                    name, at: site,
                    Words(
                        "the observer's key does not open it",
                        de: "der Beobachterschlüssel öffnet ihn nicht"))
            case .malformed(let reason):
                throw .malformed(name, at: site, reason)
            }
        }
    }

    /// The snapshot that a person means: `latest`, or the first digits of its name.
    ///
    /// - Parameter dataSet: nil for any.
    package func snapshot(_ wish: String, of dataSet: String? = nil) throws(Trouble) -> Fact {
        let all = try snapshots(of: dataSet)
        guard wish != "latest" else { return try latest(of: all, dataSet) }
        let found = all.filter { $0.id.hex.hasPrefix(wish.lowercased()) }
        guard wish.count >= 4, found.count == 1, let snapshot = found.first else {
            let reason =
                found.count > 1 && wish.count >= 4
                ? Words("is not unique", de: "ist nicht eindeutig")
                : Words("does not exist", de: "gibt es nicht")
            throw Trouble(
                .wrongUse,
                Words(
                    "Snapshot \"\(wish)\" \(reason.english).",
                    de: "Sicherungsstand „\(wish)“ \(reason.german)."),
                advice: Words(
                    "\"zwilling snapshots\" lists them; give four digits or more, or \"latest\".",
                    de: "„zwilling snapshots“ listet sie auf; mindestens vier Stellen angeben oder „latest“."
                ), cause: troubles.first)
        }
        return snapshot
    }

    private func snapshots(of dataSet: String?) throws(Trouble) -> [Fact] {
        let all = snapshots.filter { dataSet == nil || $0.body.dataSet == dataSet }
        guard let dataSet, all.isEmpty else { return all }
        throw Trouble(
            .missing,
            Words(
                "There is no snapshot of data set \"\(dataSet)\".",
                de: "Vom Datenbestand „\(dataSet)“ gibt es keinen Sicherungsstand."),
            advice: Words(
                "\"zwilling snapshots\" shows of which there are.",
                de: "„zwilling snapshots“ zeigt, von welchen es welche gibt."),
            cause: troubles.first)
    }

    /// The newest snapshot that was begun by then.
    ///
    /// - Parameter dataSet: nil for any.
    package func snapshot(by moment: Moment, of dataSet: String? = nil) throws(Trouble) -> Fact {
        let all = try snapshots(of: dataSet).filter { $0.body.begun <= moment }
        guard all.isEmpty else { return try latest(of: all, dataSet) }
        throw Trouble(
            .missing,
            Words("There is no snapshot from before that.", de: "Von davor gibt es keinen Sicherungsstand."),
            advice: Words(
                "\"zwilling snapshots\" shows which there are.",
                de: "„zwilling snapshots“ zeigt, welche es gibt."), cause: troubles.first)
    }

    /// Which one is the latest cannot be said while records are missing: a restore must not give
    /// old data for new.
    private func latest(of all: [Fact], _ dataSet: String?) throws(Trouble) -> Fact {
        let snapshots = all.filter { dataSet != nil || !RecordBody.acts.contains($0.body.dataSet) }
        // What stewards have said makes less count, but never the latest.
        if let trouble = recordTroubles.first {
            throw Trouble(
                trouble.kind, trouble.message,
                advice: Words(
                    "So the latest snapshot is not known for certain. Choose one that can be read from \"zwilling snapshots\" and name it.",
                    de: "Welcher Stand der neueste ist, steht daher nicht fest. Aus „zwilling snapshots“ einen lesbaren wählen und ihn nennen."
                ), cause: trouble.cause)
        }
        // Within a writer the chain says which is last; clocks only decide between writers.
        let newest = Dictionary(grouping: snapshots, by: \.writer.id).values
            .compactMap { $0.max { $0.sequence < $1.sequence } }
            .max { ($0.body.begun, $0.id) < ($1.body.begun, $1.id) }
        guard let latest = newest else {
            throw Trouble(
                .missing,
                Words(
                    "The vault at \"\(vault.site.label)\" has no snapshot yet.",
                    de: "Der Tresor „\(vault.site.label)“ hat noch keinen Sicherungsstand."),
                advice: Words(
                    "Make one with \"zwilling protect PATH\".",
                    de: "Mit „zwilling protect PFAD“ einen anlegen."))
        }
        return latest
    }
}

extension Trouble {
    fileprivate static func baseless(_ record: ObjectName, _ base: UInt64, at site: String) -> Trouble {
        .damaged(
            record.text, at: site,
            Words(
                "its pack list rests on record \(base), which cannot be read, so all packs are looked through for it",
                de: "seine Paketliste beruht auf Eintrag \(base), der nicht lesbar ist, daher wird für ihn in allen Paketen gesucht"))
    }
}

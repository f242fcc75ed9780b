// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import FoundationEssentials
import Ground
import Postgres
import Vault

/// What an activation has done so far: all that it takes to go on after it was killed, and what
/// `running` shows. Written durably after every step.
package struct ActivationState: Codable, Sendable {
    package enum Mode: String, Codable, Sendable {
        case emergency, drill
        /// From where it ran, in daily life, or back to where it had been.
        case move, `return`
    }

    /// From what a data set is brought back; chosen once, so that a resumed activation takes the same.
    package struct Part: Codable, Sendable {
        package let dataSet: String
        package let snapshot: String
        /// The state that it is brought back to.
        package let seconds: Int64
        package let nanoseconds: UInt32
        /// Whether that is all there is.
        package let isLatest: Bool
        /// Of a cluster that goes back to its base as it is: where that ends.
        package let baseEnd: UInt64?

        package var moment: Moment { Moment(seconds: seconds, nanoseconds: nanoseconds) }

        var goal: RecoveryGoal {
            if let baseEnd { return .lsn(LSN(baseEnd)) }
            return isLatest ? .latest : .moment(moment)
        }
    }

    package struct Step: Codable, Sendable {
        package enum Kind: String, Codable, Sendable {
            case brought, started, stands, loaded
            /// What a dump tool said is on its way into its load tool.
            case loading
            /// The twin captures itself.
            case protected
            /// A cluster reads the log of the one that still has the work.
            case follows
        }

        package let kind: Kind
        /// A data set or a member.
        package let what: String
        /// Since the activation began; of the run that did it.
        package let at: Double
        package let seconds: Double
        package let bytes: UInt64
    }

    package let id: String
    package let mode: Mode
    package let institution: String
    package let vault: String
    package let platform: String
    package let kind: String
    package let services: [String]
    /// Those that were asked for; all where empty.
    package let wanted: [String]
    /// Snapshots of container images, chosen once as well.
    package private(set) var images: [String]
    /// How many entries of a data set are not back.
    package var leftOut: [String: Int] = [:]
    /// The blueprint's file, in the place.
    package private(set) var blueprint: String
    /// The command by which people are led away again.
    package private(set) var leave: String?
    package let begunSeconds: Int64
    /// Of the promotion by which it has the work; nil before, and where nobody was promoted.
    package var term: UInt32?
    /// Another has the work.
    package var isLeft: Bool?
    /// And it has not got what was worked here last.
    package var isReplaced: Bool?
    /// Data sets that were on their way to a newer snapshot.
    package var updating: Set<String>?
    /// Of the handover that is on its way, and of the promotion whose work it wants.
    package var handover: String?
    package var wantedTerm: UInt32?
    package private(set) var parts: [Part]
    package var steps: [Step] = []
    /// Since when all of it stands; nil before.
    package var standsSinceSeconds: Int64?

    package init(
        id: String, mode: Mode, institution: String, vault: String, platform: String, kind: String,
        services: [String], wanted: [String], blueprint: String, leave: String?, begunSeconds: Int64,
        moment: TwinMoment, logs: [String: LogReach], images: [Observed.Fact]
    ) {
        (self.id, self.mode, self.institution, self.vault) = (id, mode, institution, vault)
        (self.platform, self.kind, self.services) = (platform, kind, services)
        (self.blueprint, self.leave, self.begunSeconds) = (blueprint, leave, begunSeconds)
        self.wanted = wanted
        self.images = images.map(\.id.hex)
        parts = Self.parts(moment, logs)
    }

    private static func parts(_ moment: TwinMoment, _ logs: [String: LogReach]) -> [Part] {
        moment.parts.map { part in
            let (id, body) = (part.snapshot.body.dataSet, part.snapshot.body)
            let (isLatest, isBase) = reach(of: part.moment, base: part.snapshot.stands, logEnd: logs[id]?.end)
            return Part(
                dataSet: id, snapshot: part.snapshot.id.hex, seconds: part.moment.seconds,
                nanoseconds: part.moment.nanoseconds,
                isLatest: isLatest,
                baseEnd: isBase ? body.postgres?.end : nil)
        }
    }

    /// Whether all there is of a data set comes back, or no more than its base.
    ///
    /// A moment of the log lies behind the base's own; log that came right after a base may be dated
    /// like it, and is not left out where all there is shall come back.
    package static func reach(of moment: Moment, base: Moment?, logEnd: Moment?) -> (isLatest: Bool, isBase: Bool) {
        let isLatest = logEnd.map { $0 <= moment } ?? false
        return (isLatest, !isLatest && (logEnd == nil || moment == base))
    }

    /// A data set has come to a newer snapshot.
    package mutating func renew(_ fact: Observed.Fact) {
        guard let index = parts.firstIndex(where: { $0.dataSet == fact.body.dataSet }) else { return }
        let moment = fact.stands ?? fact.body.begun
        parts[index] = Part(
            dataSet: fact.body.dataSet, snapshot: fact.id.hex, seconds: moment.seconds, nanoseconds: moment.nanoseconds,
            isLatest: true, baseEnd: nil)
    }

    /// Nothing of it runs, and what was brought back stays.
    package mutating func stop() {
        steps.removeAll { [.started, .stands, .protected].contains($0.kind) }
        standsSinceSeconds = nil
    }

    /// Goes on by another blueprint: what that has more is brought back, too.
    package mutating func go(
        on blueprint: String, leave: String?, _ moment: TwinMoment, _ logs: [String: LogReach],
        images: [Observed.Fact]
    ) {
        (self.blueprint, self.leave) = (blueprint, leave)
        self.images = images.map(\.id.hex)
        // Some may be new.
        steps.removeAll { $0.kind == .brought && $0.what == DataSetCapture.images }
        let known = Set(parts.map(\.dataSet))
        parts += Self.parts(moment, logs).filter { !known.contains($0.dataSet) }
    }

    package func has(_ kind: Step.Kind, _ what: String) -> Bool {
        steps.contains { $0.kind == kind && $0.what == what }
    }

    /// nil where there is none.
    package init?(at place: ActivationPlace) throws(Trouble) {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Machine.readWhole(place.journal, upTo: 1 << 24) } catch {
            if error.kind == .missing { return nil }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
        do { self = try JSONDecoder().decode(ActivationState.self, from: Data(bytes)) } catch {
            throw Trouble(
                .damaged,
                Words(
                    "\"\(printable(place.journal))\" does not tell what an activation has done.",
                    de: "„\(printable(place.journal))“ sagt nicht, was eine Aktivierung getan hat."),
                advice: Words("Activate to another directory with --to.", de: "Mit --to in ein anderes Verzeichnis aktivieren."),
                cause: error)
        }
    }

    package var encoded: [UInt8] {
        get throws(Trouble) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            do { return Array(try encoder.encode(self)) } catch {
                throw Trouble(.system, Words("Cannot note a step.", de: "Ein Schritt lässt sich nicht notieren."), cause: error)
            }
        }
    }

    package func write(at place: ActivationPlace) throws(Trouble) {
        let bytes = try encoded
        do throws(SystemError) { try Machine.writeDurably(place.journal, bytes) } catch {
            throw error.trouble(Words("Cannot write", de: "Lässt sich nicht schreiben:"))
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import FoundationEssentials
import Ground

/// What a drill has shown. Times are in seconds, moments in seconds since 1970.
package struct DrillReport: Codable, Sendable, Hashable {
    package struct Service: Codable, Sendable, Hashable {
        package let id: String
        package let name: String
        /// After which it went on; nil where it did not.
        package let standsAfter: Double?
        package let rto: Double?
        /// How old the data were when the drill began; nil where it has none.
        package let dataAge: Double?
        package let rpo: Double?
        /// In words for people, each with what to do about it; none where all is well.
        package let faults: [Fault]

        package var isMet: Bool { faults.isEmpty }

        package init(
            id: String, name: String, standsAfter: Double?, rto: Double?, dataAge: Double?, rpo: Double?,
            faults: [Fault]
        ) {
            (self.id, self.name, self.standsAfter, self.rto) = (id, name, standsAfter, rto)
            (self.dataAge, self.rpo, self.faults) = (dataAge, rpo, faults)
        }
    }

    /// In both languages, since a report is read by others than who made it.
    package struct Fault: Codable, Sendable, Hashable {
        package let english: String
        package let german: String

        package init(_ words: Words) { (english, german) = (words.english, words.german) }
    }

    package struct Trial: Codable, Sendable, Hashable {
        package let application: String
        package let name: String
        package let fault: Fault?
        package let seconds: Double
    }

    package struct Step: Codable, Sendable, Hashable {
        package let kind: String
        package let what: String
        package let from: Double
        package let seconds: Double
        package let bytes: UInt64
    }

    /// Something outside that an application needs, and what takes its place.
    package struct Need: Codable, Sendable, Hashable {
        package let application: String
        package let need: String
        package let standIn: String?

        package init(application: String, need: String, standIn: String?) {
            (self.application, self.need, self.standIn) = (application, need, standIn)
        }
    }

    /// One before, for comparison.
    package struct Earlier: Codable, Sendable, Hashable {
        package let id: String
        package let begun: Int64
        package let seconds: Double?
        package let isPassed: Bool

        package init(id: String, begun: Int64, seconds: Double?, isPassed: Bool) {
            (self.id, self.begun, self.seconds, self.isPassed) = (id, begun, seconds, isPassed)
        }
    }

    package var format = 1
    package let id: String
    package let institution: String
    package let vault: String
    package let platform: String
    package let scenario: String?
    package let begun: Int64
    /// The state to which the oldest data went back.
    package let moment: Int64
    package var services: [Service] = []
    package var trials: [Trial] = []
    package var steps: [Step] = []
    package var needs: [Need] = []
    /// What did not come back, or stood in the way.
    package var faults: [Fault] = []
    /// Mails that were caught.
    package var mails = 0
    /// Until all stood; nil where not all did.
    package var standsAfter: Double?
    /// Of the whole drill, with its tearing down.
    package var seconds = 0.0
    /// What of it was still there at the end: must be empty.
    package var traces: [String] = []
    package var earlier: [Earlier] = []

    package init(
        id: String, institution: String, vault: String, platform: String, scenario: String?, begun: Int64,
        moment: Int64
    ) {
        (self.id, self.institution, self.vault, self.platform) = (id, institution, vault, platform)
        (self.scenario, self.begun, self.moment) = (scenario, begun, moment)
    }

    package var isPassed: Bool {
        standsAfter != nil && faults.isEmpty && traces.isEmpty && services.allSatisfy(\.isMet)
            && trials.allSatisfy { $0.fault == nil }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// What the workers of a capture do: scan directories, read units.
enum CaptureJob: Sendable {
    case scan(Scan.Pending)
    case unit(Unit)
}

/// The work of one capture, shared by its workers. Scanning runs ahead of reading up to a bound,
/// so that memory does not grow with the tree and progress can be told early. Whoever scans what,
/// the tree is walked in tree order.
struct CaptureWork: Sendable {
    /// Entries that may be scanned but not yet handed out as units.
    private static let aheadMax = 256 << 10

    private var scan: Scan
    private var sectioner = Sectioner()
    /// Units not yet taken, the next one last.
    private var units: [Unit] = []
    private let domain: Domain
    private let plan: @Sendable (SectionDraft) -> [Unit]

    /// - Parameter plan: makes the units of a section, or none where it is taken over as it is.
    ///   Called in tree order.
    init(_ scan: Scan, domain: Domain, plan: @escaping @Sendable (SectionDraft) -> [Unit]) {
        (self.scan, self.domain, self.plan) = (scan, domain, plan)
        // What leads to the protected paths is known already; where these are files, it is all.
        emit()
    }

    mutating func take() -> CaptureJob? {
        if scan.waiting < Self.aheadMax || units.isEmpty, let pending = scan.take() {
            return .scan(pending)
        }
        return units.popLast().map { .unit($0) }
    }

    /// A scanned directory comes back.
    mutating func scanned(_ pending: Scan.Pending, _ found: [Scan.Entry]) {
        scan.store(pending, found)
        emit()
    }

    private mutating func emit() {
        var drafts: [SectionDraft] = []
        while let item = scan.emit() {
            if let draft = sectioner.add(item, domain: domain) { drafts.append(draft) }
        }
        if scan.isFinished, let draft = sectioner.finish() { drafts.append(draft) }
        guard !drafts.isEmpty else { return }
        units = drafts.flatMap(plan).reversed() + units
    }
}

typealias CaptureBoard = WorkBoard<CaptureWork, CaptureJob>

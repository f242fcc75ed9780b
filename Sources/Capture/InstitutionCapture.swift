// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Programs
import Vault

/// What came of one data set.
package struct DataSetOutcome: Sendable {
    package let id: String
    package let result: Result<Captured, Trouble>
    /// What is in it, but not quite as people may expect.
    package let warnings: [Words]
    /// Whether the id is that of an application, which was not let go on.
    package let isOfApplication: Bool

    package init(
        id: String, result: Result<Captured, Trouble>, warnings: [Words] = [], isOfApplication: Bool = false
    ) {
        (self.id, self.result) = (id, result)
        (self.warnings, self.isOfApplication) = (warnings, isOfApplication)
    }
}

/// Remembers which applications hold still, beyond the death of this process: a list of the command
/// lines that make them go on.
package struct HeldApplications: Sendable {
    private let begin: @Sendable (_ resume: String) throws(Trouble) -> Void
    private let end: @Sendable (_ resume: String) throws(Trouble) -> Void

    /// - Parameters:
    ///   - begin: adds to the list, durably.
    ///   - end: takes from it.
    package init(
        begin: @escaping @Sendable (String) throws(Trouble) -> Void,
        end: @escaping @Sendable (String) throws(Trouble) -> Void
    ) { (self.begin, self.end) = (begin, end) }

    fileprivate func note(_ resume: String) throws(Trouble) { try begin(resume) }

    /// Lets go on what holds still.
    package func resume(_ line: String) async throws(Trouble) {
        try await InstitutionCapture.hook(line)
        try end(line)
    }
}

/// The data sets of an institution that lie on this host → a snapshot each. One that fails does
/// not keep the others from being captured.
package struct InstitutionCapture {
    private let capture: DataSetCapture
    /// Keeps what a capture leaves for the next run, at once.
    private let keep: (Captured) -> Void
    private var cache: WriterCache
    /// What this machine has seen of the vault.
    private let memory: Memory
    private let held: HeldApplications
    package private(set) var outcomes: [DataSetOutcome] = []

    package init(
        _ capture: DataSetCapture, cache: WriterCache, memory: Memory, held: HeldApplications,
        keep: @escaping (Captured) -> Void
    ) {
        (self.capture, self.cache, self.memory) = (capture, cache, memory)
        (self.held, self.keep) = (held, keep)
    }

    /// How long an application may take to hold still, or to go on.
    private static let hookTimeout = Duration.seconds(600)

    package mutating func run(
        _ group: ConsistencyGroup,
        report: @escaping @Sendable (String, CaptureProgress) -> Void
    ) async {
        if let quiesce = group.application?.quiesce {
            do throws(Trouble) {
                if let resume = group.application?.resume { try held.note(resume.value) }
                do throws(Trouble) { try await Self.hook(quiesce.value) } catch {
                    throw .notQuiesced(group.application?.id.value ?? "", error)
                }
            } catch {
                for data in group.data { note(data.id.value, .failure(error)) }
                await resume(group)
                return
            }
        }
        for data in group.data {
            let id = data.id.value
            do throws(Trouble) {
                let captured = try await capture.run(data, cache: cache) { report(id, $0) }
                note(id, .success(captured))
            } catch {
                note(id, .failure(error))
                await renew()
            }
        }
        await resume(group)
    }

    package mutating func run(blueprint files: [(name: String, bytes: [UInt8])]) async {
        do throws(Trouble) {
            note(
                DataSetCapture.blueprint,
                .success(try await capture.run(blueprint: files, cache: cache)))
        } catch { note(DataSetCapture.blueprint, .failure(error)) }
    }

    /// The container images, if there is something new in what was found.
    ///
    /// - Returns: what is to be remembered; nil where no snapshot was taken.
    package mutating func run(
        _ images: ImageCapture, _ look: ImageLook,
        report: @escaping @Sendable (CaptureProgress) -> Void = { _ in }
    ) async -> CapturedImages? {
        for failure in look.failures { note(DataSetCapture.images, .failure(failure.trouble)) }
        guard look.isNew else { return nil }
        do throws(Trouble) {
            let outcome = try await capture.run(images, look, cache: cache, report: report)
            for failure in outcome.failures {
                note(DataSetCapture.images, .failure(failure.trouble))
            }
            guard let (captured, images) = outcome.captured else {
                await renew()
                return nil
            }
            note(DataSetCapture.images, .success(captured), outcome.warnings)
            return images
        } catch {
            note(DataSetCapture.images, .failure(error))
            await renew()
            return nil
        }
    }

    /// Units of a log → a range.
    mutating func merge(_ merge: LogMerge, _ run: LogRun) async throws(Trouble) -> Captured {
        do throws(Trouble) {
            let captured = try await merge.run(run, cache: cache)
            cache = captured.cache
            keep(captured)
            return captured
        } catch {
            await renew()
            throw error
        }
    }

    /// A run that failed may have put a checkpoint, or a record that nobody heard of: what comes
    /// next must know.
    private mutating func renew() async {
        do throws(Trouble) {
            cache = try await capture.writer.knowledge(cache: cache, memory: memory).cache
        } catch {
            // The next capture fails by itself, and says why.
        }
    }

    /// What has come since it was asked last.
    mutating func takeOutcomes() -> [DataSetOutcome] {
        defer { outcomes = [] }
        return outcomes
    }

    /// Whatever happened before, what holds still must go on.
    private mutating func resume(_ group: ConsistencyGroup) async {
        guard let application = group.application, let resume = application.resume else { return }
        do throws(Trouble) { try await held.resume(resume.value) } catch {
            outcomes.append(
                DataSetOutcome(
                    id: application.id.value, result: .failure(.notResumed(application.id.value, error)),
                    isOfApplication: true))
        }
    }

    fileprivate static func hook(_ line: String) async throws(Trouble) {
        _ = try await Program(shell: line, timeout: hookTimeout).output(upTo: 1 << 20)
    }

    private mutating func note(
        _ id: String, _ result: Result<Captured, Trouble>, _ warnings: [Words] = []
    ) {
        outcomes.append(DataSetOutcome(id: id, result: result, warnings: warnings))
        guard case .success(let captured) = result else { return }
        cache = captured.cache
        keep(captured)
    }
}

extension Trouble {
    fileprivate static func notQuiesced(_ application: String, _ why: Trouble) -> Trouble {
        Trouble(
            why.kind,
            Words(
                "\"quiesce\" of application \"\(application)\" failed, so nothing of it was captured: \(why.message.english)",
                de: "„quiesce“ der Anwendung „\(application)“ misslang, daher wurde nichts von ihr gesichert: \(why.message.german)"),
            advice: Words(
                "Run the command by hand as this user, mend it in the blueprint, then protect again.",
                de: "Den Befehl als dieser Benutzer von Hand ausführen, ihn im Bauplan beheben, dann noch einmal sichern."),
            cause: why.cause)
    }

    fileprivate static func notResumed(_ application: String, _ why: Trouble) -> Trouble {
        Trouble(
            why.kind,
            Words(
                "\"resume\" of application \"\(application)\" failed, so it may still hold still: \(why.message.english)",
                de: "„resume“ der Anwendung „\(application)“ misslang, sie steht vielleicht noch still: \(why.message.german)"),
            advice: Words(
                "Let it go on by hand at once, and mend the command in the blueprint. The next run tries what is noted again.",
                de: "Sie sofort von Hand weiterlaufen lassen und den Befehl im Bauplan beheben. Der nächste Lauf versucht den vermerkten noch einmal."),
            cause: why.cause)
    }
}

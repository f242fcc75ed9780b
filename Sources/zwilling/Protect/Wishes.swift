// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

/// What a running service was asked to capture at once: a file for each data set, which the service
/// replaces by its answer. Only who may use the writer's keys can leave one.
struct Wishes {
    private let folder: [UInt8]

    init(_ state: VaultState) { folder = state.path(.wishes) }

    /// A trouble in the service's words.
    struct Told: Equatable {
        let message: String
        let advice: String?

        init(_ trouble: Trouble) {
            (message, advice) = (say(trouble.message), trouble.advice.map(say))
        }

        fileprivate init?(_ lines: ArraySlice<Substring>) {
            guard let first = lines.first else { return nil }
            message = String(first)
            advice = lines.dropFirst().first.map(String.init)
        }

        fileprivate var lines: [String] {
            [message, advice].compactMap { $0?.replacing("\n", with: " ") }
        }
    }

    enum Answer: Equatable {
        /// `beside`: what went wrong all the same, such as an application that was not let go on.
        case captured(snapshot: String, beside: Told?)
        case failed(Told)
    }

    /// Begins what is asked; then comes a number that tells one question from the next.
    private static let asked = Array("?".utf8)
    private static let captured = "captured "
    private static let failed = "failed "
    private static let bytesMax = 64 << 10

    private func path(_ id: String) -> [UInt8] { folder + Array("/\(id)".utf8) }

    // MARK: Whoever asks

    func ask(_ ids: [String]) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            for id in ids { try Machine.writeDurably(path(id), Self.asked + Array(World.real.random(8).hex.utf8)) }
        } catch { throw error.trouble(Words("Cannot ask the service", de: "Dienst nicht ansprechbar:")) }
    }

    /// Takes the answer away; nil while there is none.
    func answer(_ id: String) -> Answer? {
        do throws(SystemError) {
            let text = String(
                decoding: try Machine.readWhole(path(id), upTo: Self.bytesMax), as: UTF8.self)
            let answer: Answer
            if text.hasPrefix(Self.captured) {
                let lines = text.dropFirst(Self.captured.count).split(separator: "\n")
                guard let snapshot = lines.first else { return nil }
                answer = .captured(snapshot: String(snapshot), beside: Told(lines.dropFirst()))
            } else if text.hasPrefix(Self.failed),
                let told = Told(text.dropFirst(Self.failed.count).split(separator: "\n")[...])
            {
                answer = .failed(told)
            } else {
                return nil
            }
            forget(id)
            return answer
        } catch { return nil }
    }

    func forget(_ id: String) {
        do throws(SystemError) { try Descriptor.directory(folder).discard(Array(id.utf8)) } catch {
            // Nobody has asked.
        }
    }

    // MARK: The service

    /// The questions, by data set.
    var waiting: [String: [UInt8]] {
        var waiting: [String: [UInt8]] = [:]
        do throws(SystemError) {
            let directory = try Descriptor.directory(folder)
            for name in try directory.names() {
                let text = try directory.contents(name, upTo: Self.bytesMax)
                if text.starts(with: Self.asked) { waiting[String(decoding: name, as: UTF8.self)] = text }
            }
        } catch {
            // One that is being replaced is seen the next time.
        }
        return waiting
    }

    /// - Parameters:
    ///   - question: that was there before the capture began; a later one wants another capture.
    ///   - beside: what went wrong around it.
    func answer(_ id: String, _ question: [UInt8]?, _ result: Result<Captured, Trouble>, beside: Trouble?) {
        guard let question, waiting[id] == question else { return }
        let lines: [String]
        switch result {
        case .success(let captured):
            lines = [Self.captured + captured.id.hex] + (beside.map { Told($0).lines } ?? [])
        case .failure(let trouble):
            let told = Told(trouble).lines
            lines = [Self.failed + (told.first ?? "")] + told.dropFirst()
        }
        let text = lines.joined(separator: "\n")
        do throws(SystemError) { try Machine.writeDurably(path(id), Array(text.utf8)) } catch {
            warn(error.trouble(Words("Cannot answer", de: "Antwort misslingt:")).message)
        }
    }
}

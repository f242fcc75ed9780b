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

    private static let asked = Array("?".utf8)
    private static let captured = "captured "
    private static let failed = "failed "
    private static let bytesMax = 64 << 10

    private func path(_ id: String) -> [UInt8] { folder + Array("/\(id)".utf8) }

    // MARK: Whoever asks

    func ask(_ ids: [String]) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            for id in ids { try Machine.writeDurably(path(id), Self.asked) }
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

    var waiting: Set<String> {
        let names: [[UInt8]]
        do throws(SystemError) { names = try Descriptor.directory(folder).names() } catch {
            return []
        }
        return Set(
            names.filter { name in
                do throws(SystemError) {
                    let directory = try Descriptor.directory(folder)
                    return try directory.contents(name, upTo: Self.bytesMax) == Self.asked
                } catch { return false }
            }.map { String(decoding: $0, as: UTF8.self) })
    }

    /// - Parameter beside: what went wrong around it.
    func answer(_ id: String, _ result: Result<Captured, Trouble>, beside: Trouble?) {
        guard waiting.contains(id) else { return }
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

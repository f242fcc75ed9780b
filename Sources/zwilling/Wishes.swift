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

    enum Answer: Equatable {
        case captured(snapshot: String)
        case failed(String)
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
                answer = .captured(snapshot: String(text.dropFirst(Self.captured.count)))
            } else if text.hasPrefix(Self.failed) {
                answer = .failed(String(text.dropFirst(Self.failed.count)))
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

    func answer(_ id: String, _ result: Result<Captured, Trouble>) {
        guard waiting.contains(id) else { return }
        let text: String
        switch result {
        case .success(let captured): text = Self.captured + captured.id.hex
        case .failure(let trouble): text = Self.failed + say(trouble.message)
        }
        do throws(SystemError) { try Machine.writeDurably(path(id), Array(text.utf8)) } catch {
            warn(error.trouble(Words("Cannot answer", de: "Antwort misslingt:")).message)
        }
    }
}

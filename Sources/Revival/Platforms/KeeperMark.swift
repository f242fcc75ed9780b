// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// The mark of a keeper: a file that it holds locked while it lives, with its process and whether
/// its program runs.
package struct KeeperMark: Sendable {
    /// nil where none lives.
    package let process: Int32?
    package let isRunning: Bool
    /// The last program that it has started, and when: one that lost its keeper goes on.
    private let program: (process: Int32, start: UInt64)?

    package static func spec(of mark: [UInt8]) -> [UInt8] { mark + Array(".json".utf8) }

    package static func read(_ path: [UInt8]) throws(Trouble) -> KeeperMark {
        do throws(SystemError) {
            let text = String(decoding: try Machine.readWhole(path, upTo: 64), as: UTF8.self)
            let words = text.split(separator: "\n")
            let numbers = words.dropFirst().first?.split(separator: " ").compactMap { UInt64($0) } ?? []
            let program = numbers.count == 2 ? Int32(exactly: numbers[0]).map { ($0, numbers[1]) } : nil
            let isHeld = try !open(path).tryLock()
            guard isHeld, let process = words.first.flatMap({ Int32($0) }) else {
                return KeeperMark(process: nil, isRunning: false, program: program)
            }
            return KeeperMark(process: process, isRunning: program != nil, program: program)
        } catch {
            if error.kind == .missing { return KeeperMark(process: nil, isRunning: false, program: nil) }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    /// A program whose keeper was killed.
    package var orphan: Int32? {
        guard process == nil, let program, Machine.processStart(program.process) == program.start else {
            return nil
        }
        return program.process
    }

    private static func open(_ path: [UInt8]) throws(SystemError) -> Descriptor {
        let slash = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
        let folder = try Descriptor.directory(Array(path[..<slash]))
        let name = Array(path[(slash + 1)...])
        do throws(SystemError) { return try folder.create(name) } catch {
            guard error.kind == .exists else { throw error }
            return try folder.openForWriting(name)
        }
    }

    /// The mark in the hand of its keeper.
    package final class Held: Sendable {
        private let file: Descriptor

        package init(_ path: [UInt8]) throws(Trouble) {
            do throws(SystemError) {
                file = try KeeperMark.open(path)
                // Whoever only looks holds it for a moment.
                for _ in 0..<100 {
                    if try file.tryLock() { return }
                    Machine.pause(milliseconds: 10)
                }
            } catch { throw error.at(path).trouble(Words("Cannot lock", de: "Sperre misslingt:")) }
            throw Trouble(.busy, Words("\"\(printable(path))\" has a keeper.", de: "„\(printable(path))“ wird schon betreut."))
        }

        /// - Parameter process: the program's; nil while it does not run.
        package func note(_ process: Int32?) {
            let program = process.map { "\($0) \(Machine.processStart($0) ?? 0)" } ?? "-"
            do throws(SystemError) {
                try file.truncate(to: 0)
                try file.write(Array("\(Machine.processId)\n\(program)\n".utf8), at: 0)
            } catch {
                // It shows as stopped, and is told so.
            }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs
import Revival

/// The activations of this machine: one small file each, which tells where it lies.
struct LocalActivations {
    struct One {
        let place: ActivationPlace
        let state: ActivationState
    }

    private let states: StateDirectory
    private var folder: [UInt8] { states.path + Array("/activations".utf8) }

    init(_ states: StateDirectory) { self.states = states }

    /// Where one lies if nobody says otherwise. Programs of other users must get there, which they
    /// do not below root's home.
    func usualPlace(_ id: String) -> ActivationPlace {
        Machine.isRoot
            ? ActivationPlace(Array("/var/lib/zwilling/\(id)".utf8))
            : ActivationPlace(states.path + Array("/running/\(id)".utf8))
    }

    func all() throws(Trouble) -> [One] {
        let names: [[UInt8]]
        do throws(SystemError) { names = try Descriptor.directory(folder).names() } catch {
            if error.kind == .missing { return [] }
            throw error.at(folder).trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
        var all: [One] = []
        // What begins with a dot was being written when somebody was killed.
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) where name.first != UInt8(ascii: ".") {
            do throws(Trouble) {
                let place = try place(name)
                guard let state = try ActivationState(at: place) else { continue }
                // One that was killed at its very beginning left its place to the next.
                if state.id == String(decoding: name, as: UTF8.self) { all.append(One(place: place, state: state)) }
            } catch {
                // The others go on.
                warn(error.message)
            }
        }
        return all
    }

    /// Whether an activation was to lie there: then what lies there is its own.
    func isNoted(_ place: ActivationPlace) -> Bool {
        do {
            return try Descriptor.directory(folder).names().contains { name in try self.place(name) == place }
        } catch { return false }
    }

    private func place(_ name: [UInt8]) throws(Trouble) -> ActivationPlace {
        do throws(SystemError) { return ActivationPlace(try Machine.readWhole(file(name), upTo: 4096)) } catch {
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    func note(_ id: String, at place: ActivationPlace) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            try Machine.writeDurably(file(Array(id.utf8)), place.path)
        } catch { throw error.trouble(Words("Cannot write", de: "Lässt sich nicht schreiben:")) }
    }

    /// Leads people there or away, by their own command; what runs goes on if that fails.
    static func lead(_ line: String) async {
        do throws(Trouble) {
            _ = try await Program(shell: line, timeout: .seconds(600)).output(upTo: 1 << 20)
        } catch {
            warn(
                Words(
                    "people are not led over. \(error.message.english)",
                    de: "Die Menschen werden nicht umgeleitet. \(error.message.german)"))
        }
    }

    func forget(_ id: String) { Machine.discardFile(file(Array(id.utf8))) }

    private func file(_ name: [UInt8]) -> [UInt8] { folder + [UInt8(ascii: "/")] + name }
}

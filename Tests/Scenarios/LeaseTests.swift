// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Testing

@Suite("An original under a lease")
struct LeaseTests {
    private let town: Town
    private let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try zwilling.create()
        try town.settle(files: 2)
        let text = "institution: Musterstadt\nlease: 10 s\ndata:\n  - {id: a, kind: files, paths: [\"\(town.tree.path)\"]}\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private var ticks: Int {
        (try? String(contentsOf: town.home.appending(path: "ticks"), encoding: .utf8).count) ?? 0
    }

    private func ticking(_ seconds: Double) -> Bool {
        let before = ticks
        usleep(UInt32(seconds * 1e6))
        return ticks > before
    }

    private func wait(_ seconds: Double, until isSo: () -> Bool) -> Bool {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if isSo() { return true }
            usleep(50_000)
        }
        return isSo()
    }

    @Test("A program runs while it is renewed, ends when it lapses though it was frozen, and goes on with it")
    func lapses() throws {
        let program = try town.start(
            Computer.program, ["lease", "app", "--", "sh", "-c", "while :; do printf . >>'\(town.home.path)/ticks'; sleep 0.05; done"],
            environment: zwilling.environment)
        defer { kill(program.process.processIdentifier, SIGKILL) }
        #expect(!ticking(1), "without a guard nothing may run")
        let guarding = try town.start(Computer.program, ["guard"], environment: zwilling.environment)
        #expect(wait(20) { ticks > 0 })
        // As in a machine that sleeps: nobody renews, and nobody can end anything.
        for one in [guarding, program] { kill(one.process.processIdentifier, SIGSTOP) }
        let children = try town.run("pgrep", "-P", "\(program.process.processIdentifier)").output.split(separator: "\n").compactMap { Int32($0) }
        for child in children { kill(child, SIGSTOP) }
        usleep(11_000_000)
        for child in children { kill(child, SIGCONT) }
        kill(program.process.processIdentifier, SIGCONT)
        #expect(wait(3) { !ticking(0.3) }, "the lease has lapsed")
        kill(guarding.process.processIdentifier, SIGCONT)
        #expect(wait(5) { ticking(0.3) }, "and is renewed")
        kill(guarding.process.processIdentifier, SIGKILL)
        #expect(wait(15) { !ticking(0.3) }, "nobody renews it any more")
    }

    @Test("A guard without a lease in the blueprint, and a program without a name, are refused")
    func refused() throws {
        let text = "institution: Musterstadt\ndata:\n  - {id: a, kind: files, paths: [\"\(town.tree.path)\"]}\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let outcome = try zwilling("guard")
        #expect(outcome.code == 2 && outcome.errors.contains("lease: 30 s"))
        #expect(try zwilling("lease", "../app", "--", "true").code == 2)
        #expect(try zwilling("lease", "app").code == 2)
    }
}

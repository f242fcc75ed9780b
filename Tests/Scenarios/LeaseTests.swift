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

    @Test("The work moves from an original whose programs run under leases, and all of it came over")
    func moves() throws {
        let tree = town.tree.path
        let text = """
            institution: Musterstadt
            lease: 10 s
            services:
              - {id: s, name: S, mtpd: 1 d, rto: 1 h, rpo: 1 min, emergency: paper, applications: [app]}
            applications:
              - id: app
                name: App
                process: "sh -c 'while :; do printf . >>{data:a}/ticks; sleep 0.05; done'"
                data: [a]
                platforms: [reserve]
            data:
              - {id: a, kind: files, paths: ["\(tree)"], rpo: 2 s}
            platforms:
              - {id: reserve, kind: process, name: R, operator: S, country: DE, jurisdiction: DE}

            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let ticks = town.tree.appending(path: "ticks")
        func count(_ file: URL) -> Int { (try? Data(contentsOf: file).count) ?? 0 }
        var running: [Town.Running] = []
        defer { for one in running { kill(one.process.processIdentifier, SIGKILL) } }
        for words in [
            ["protect", "--continuous"], ["guard"],
            ["lease", "app", "--", "sh", "-c", "while :; do printf . >>'\(tree)/ticks'; sleep 0.05; done"],
        ] { running.append(try town.start(Computer.program, words, environment: zwilling.environment)) }
        #expect(wait(30) { count(ticks) > 20 })
        #expect(wait(30) { (try? zwilling("snapshots", "--json").output.contains("\"dataSet\":\"a\"")) ?? false })
        try Data((Town.passphrase + "\n").utf8).write(to: town.home.appending(path: "passphrase"))
        var other = zwilling.environment
        other["ZWILLING_HOME"] = town.home.appending(path: "other").path
        let place = town.home.appending(path: "p")
        defer { _ = try? town.run(Computer.program, ["stop", "--confirm", "Musterstadt", "--delete-data", "--accept-loss"], environment: other) }
        let outcome = try town.run(
            Computer.program,
            ["move", "--to", "reserve", "--confirm", "Musterstadt", "--place", place.path, "--passphrase-file", "passphrase", "--json"],
            environment: other)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let there = place.appending(path: "data/a\(tree)/ticks")
        let left = count(ticks)
        #expect(wait(10) { count(there) > left + 5 }, "it goes on there, from where it was")
        #expect(count(ticks) == left, "and ended here")
        #expect(outcome.output.contains("\"interruption\""))
        // The original learns of it, and does not come back by itself.
        #expect(wait(30) { !running[0].process.isRunning && !running[1].process.isRunning })
        #expect(try zwilling("guard").code == 0 && count(ticks) == left)
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

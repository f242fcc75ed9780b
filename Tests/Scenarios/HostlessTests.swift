// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("Data sets that say no host", .enabled(if: Host.isPossible))
struct HostlessTests {
    let realm: Realm

    init() throws { realm = try Realm() }

    private func describe(_ host: String = "") throws {
        let text = """
            institution: Musterstadt
            data:
              - {id: akten, kind: files, paths: ["\(realm.town.tree.path)"]\(host)}
              - {id: own, kind: command, dump: hostname, host: library}
            """
        try Data(text.utf8).write(to: realm.town.home.appending(path: "institution.yaml"))
    }

    @Test("What one host captures under a name, another does not, until it is said where it lies")
    func refused() throws {
        try describe()
        let first = try realm.hall("protect")
        #expect(first.code == 0, "\(first.errors)")
        let library = Host(realm.town, named: "library")
        _ = try realm.invite("library")
        let enrolled = try library("agent", "enrol", "--token-file", "token-library")
        try #require(enrolled.code == 0, "\(enrolled.errors)")
        let refused = try library("protect")
        #expect(refused.code == 1 && refused.errors.contains("host hall"), "\(refused.errors)")
        #expect(refused.errors.contains("host: NAME") && refused.errors.contains("keys retire"))
        // The others go on.
        #expect(refused.output.contains("own"), "\(refused.output)")
        let all = try realm.json(library("snapshots", "--json"))["snapshots"] as? [[String: Any]] ?? []
        let hosts = all.filter { $0["dataSet"] as? String == "akten" }.map { $0["host"] as? String }
        #expect(hosts == ["hall"])
        // So does the service.
        let running = try library.start("protect", "--continuous")
        let said = running.errors.fileHandleForReading
        var text = ""
        while !text.contains("data sets on"), running.process.isRunning {
            text += String(decoding: said.availableData, as: UTF8.self)
        }
        running.process.terminate()
        running.process.waitUntilExit()
        #expect(text.contains("host hall"), "\(text)")
        #expect(try library("check").output.contains("akten"))
        // Whoever says where it lies is served.
        try describe(", host: library")
        #expect(try library("protect").code == 0)
        try describe()
        let retired = try realm.hall.reading("keys", "retire", "library", "--confirm", "library")
        #expect(retired.code == 0, "\(retired.errors)")
        #expect(retired.errors.contains("pg_drop_replication_slot"))
        let again = try realm.hall("protect")
        #expect(again.code == 0, "\(again.errors)")
    }
}

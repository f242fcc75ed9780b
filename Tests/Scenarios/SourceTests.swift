// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// A kind of data set as a blueprint has it, for the suite that every kind must pass: how it is
/// described, changed, broken, and told what came back.
private enum Subject: String, CaseIterable, CustomTestStringConvertible {
    case files, command, secret, postgres

    var testDescription: String { rawValue }

    static var here: [Subject] { allCases.filter { $0 != .postgres || Cluster.isAvailable } }

    func description(_ place: URL, _ cluster: Cluster?) -> String {
        let file = place.appending(path: "state").path
        return switch self {
        case .files: "kind: files, paths: [\"\(place.path)\"], complete-marker: \"\(file)\""
        case .command: "kind: command, dump: \"cat \(file)\", load: \"cat > \(place.path)/loaded\""
        case .secret: "kind: secret, file: \"\(file)\""
        case .postgres: "kind: postgres, connection: \"\(cluster?.address ?? "")\""
        }
    }

    func change(_ place: URL, _ cluster: Cluster?, to word: String) throws {
        if let cluster {
            try cluster.psql(
                "CREATE TABLE IF NOT EXISTS state (word text); TRUNCATE state; INSERT INTO state VALUES ('\(word)')")
        } else {
            try Data(word.utf8).write(to: place.appending(path: "state"))
        }
    }

    /// From now on it cannot be captured.
    func destroy(_ place: URL, _ cluster: Cluster?) throws {
        if let cluster {
            cluster.stop()
        } else {
            try FileManager.default.removeItem(at: place.appending(path: "state"))
        }
    }

    /// The word in what came back.
    func word(in target: URL, _ place: URL) throws -> String {
        switch self {
        case .files:
            let file = target.path + place.path + "/state"
            return try String(contentsOfFile: file, encoding: .utf8)
        case .command, .secret:
            return try String(contentsOf: target.appending(path: "one"), encoding: .utf8)
        case .postgres:
            let copy = try Cluster(folder: Cluster.newFolder())
            try Cluster.run(
                "/bin/mv", [target.appending(path: "pgdata").path, copy.data], asServer: false)
            try copy.configure([:])
            try copy.start()
            Cluster.wait { (try? copy.psql("SELECT pg_is_in_recovery()")) == "f\n" }
            return String(try copy.psql("SELECT word FROM state").dropLast())
        }
    }
}

@Suite("Every kind of data set")
struct SourceTests {
    let town: Town
    let zwilling: Computer
    let place: URL

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try zwilling.create()
        place = town.home.appending(path: "original")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    }

    private func protect() throws -> Town.Outcome { try zwilling("protect", "--data", "one", "--json") }

    private func restored(_ subject: Subject, _ moment: String) throws -> String {
        let target = town.home.appending(path: "back-\(UUID().uuidString)")
        let outcome = try zwilling.reading(
            "restore", moment, "--data", "one", "--to", target.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try subject.word(in: target, place)
    }

    private func snapshots() throws -> [[String: Any]] {
        let outcome = try zwilling("snapshots", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let all = (report as? [String: Any])?["snapshots"] as? [[String: Any]] ?? []
        return all.filter { $0["dataSet"] as? String == "one" }
    }

    @Test("comes back as it was, now and at an earlier moment, and one that fails leaves no snapshot", arguments: Subject.here)
    private func conforms(_ subject: Subject) throws {
        let cluster = subject == .postgres ? try Cluster() : nil
        try cluster?.start()
        let text = """
            institution: Musterstadt
            data: [{id: one, rpo: 1 h, \(subject.description(place, cluster))}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        try subject.change(place, cluster, to: "first")
        #expect(try protect().code == 0)
        usleep(1_100_000)
        let formatter = ISO8601DateFormatter()
        let moment = formatter.string(from: Date())
        usleep(1_100_000)
        try subject.change(place, cluster, to: "second")
        #expect(try protect().code == 0)
        // Unchanged, it costs no more than records and trees do.
        let again = try protect()
        let reports = try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any]
        let added = (reports?["snapshots"] as? [[String: Any]])?.first?["bytesAdded"] as? Int
        #expect(try #require(added) <= 3 << 20)

        try subject.destroy(place, cluster)
        let failed = try protect()
        #expect(failed.code == 1 && failed.output.contains("failures") && failed.output.contains("\"dataSet\":\"one\""))
        #expect(try snapshots().count == 3)

        #expect(try restored(subject, "latest") == "second")
        #expect(try restored(subject, moment) == "first")
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
        // The second reader, by itself.
        let newest = try #require(try snapshots().last?["snapshot"] as? String)
        let target = town.home.appending(path: "rescued")
        let rescued = try town.rescue(to: target, "--snapshot", newest)
        #expect(rescued.code == 0, "\(rescued.output) \(rescued.errors)")
        if subject != .postgres { #expect(try subject.word(in: target, place) == "second") }
        if subject == .command {
            let loaded = try zwilling.reading("restore", moment, "--data", "one", "--load")
            #expect(loaded.code == 0, "\(loaded.errors)")
            let file = place.appending(path: "loaded")
            #expect(try String(contentsOf: file, encoding: .utf8) == "first")
        }
    }
}

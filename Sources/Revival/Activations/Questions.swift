// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Postgres
import Programs

/// Asks programs that were started whether they work. What goes over the network is asked by a
/// process of this program's own, since that network may be another than this machine's.
package struct Questions: Sendable {
    private let platform: any LivePlatform
    private let builder: LaunchBuilder
    /// This program.
    private let program: String

    private static let patience = Duration.seconds(10)
    /// One that nobody can ask counts as standing once it has run for so long.
    private static let settleMilliseconds = 500
    private static let answerBytesMax = 2 << 20

    package init(_ platform: any LivePlatform, _ builder: LaunchBuilder, program: String) {
        (self.platform, self.builder, self.program) = (platform, builder, program)
    }

    /// - Throws: what keeps it from standing.
    package func stands(_ member: RevivalPlan.Member) async throws(Trouble) {
        switch member.role {
        case .server(let data, let postgres):
            let rows = try ask(data, postgres, "postgres", "SELECT NOT pg_is_in_recovery()")
            guard rows[0, 0] == "t" else { throw .stillRecovers(member.id) }
        case .application(let application):
            guard let health = application.health else {
                do { try await Task.sleep(for: .milliseconds(Self.settleMilliseconds)) } catch { return }
                guard try await platform.standing()[member.id] == .runs else { throw .ended(member.id) }
                return
            }
            try await ask(health.probe, of: application)
        }
    }

    private func ask(_ probe: Health.Probe, of application: Application) async throws(Trouble) {
        switch probe {
        case .http(let path, let port):
            let answer = try await http(application, port: port?.value, path: path.value)
            guard answer.status < 400 else { throw .badStatus(application.id.value, path.value, answer.status) }
        case .tcp(let port):
            try await outside(["ask", "tcp", platform.address(of: application.id.value), "\(port.value)"])
        case .command(let line):
            let text = builder.replaced(line.value, for: application)
            _ = try await Program(
                platform.command(text, in: application.id.value), timeout: Self.patience
            ).output(upTo: Self.answerBytesMax)
        }
    }

    @discardableResult
    private func outside(_ arguments: [String]) async throws(Trouble) -> [UInt8] {
        try await Program(platform.outside + [program] + arguments, timeout: Self.patience)
            .output(upTo: Self.answerBytesMax)
    }

    /// Of an application, on its only port where none is given.
    func http(
        _ application: Application, port: Int?, path: String
    ) async throws(Trouble) -> (status: Int, body: [UInt8]) {
        guard let port = port ?? application.ports.first?.value else { throw .ended(application.id.value) }
        let said = try await outside(
            ["ask", "http", platform.address(of: application.id.value), "\(port)", path])
        let head = said.prefix { $0 != UInt8(ascii: "\n") }
        guard let status = Int(String(decoding: head, as: UTF8.self)) else { throw .ended(application.id.value) }
        return (status, Array(said.dropFirst(head.count + 1)))
    }

    package func ask(
        _ data: DataSet, _ postgres: DataSet.Postgres, _ database: String, _ question: String
    ) throws(Trouble) -> Rows {
        let address = try builder.address(of: data, postgres, database: database)
        do throws(ServerError) {
            return try Connection(to: address, for: .questions(database: database)).ask(question, .seconds(60))
        } catch { throw error.trouble }
    }
}

extension Trouble {
    fileprivate static func stillRecovers(_ id: String) -> Trouble {
        Trouble(.busy, Words("\"\(id)\" still reads its log.", de: "„\(id)“ liest noch sein Protokoll."))
    }

    fileprivate static func ended(_ id: String) -> Trouble {
        Trouble(.system, Words("\"\(id)\" does not run.", de: "„\(id)“ läuft nicht."))
    }

    fileprivate static func badStatus(_ id: String, _ path: String, _ status: Int) -> Trouble {
        Trouble(
            .system,
            Words(
                "\"\(id)\" answers \(printable(Array(path.utf8))) with \(status).",
                de: "„\(id)“ antwortet auf \(printable(Array(path.utf8))) mit \(status)."))
    }
}

extension Questions {
    /// - Throws: what it shows to be wrong.
    func pass(_ trial: Trial, of application: Application) async throws(Trouble) {
        switch trial.question {
        case .http(let path, let port, let contains):
            let answer = try await http(application, port: port?.value, path: path.value)
            guard answer.status < 400 else { throw .badStatus(application.id.value, path.value, answer.status) }
            if let contains, !answer.body.contains(Array(contains.utf8)) {
                throw Trouble(
                    .missing,
                    Words(
                        "The answer does not contain \"\(contains)\".", de: "Die Antwort enthält „\(contains)“ nicht."))
            }
        case .sql(let question, let name, let database):
            guard let data = builder.institution.data.first(where: { $0.id.value == name.value }),
                case .postgres(let postgres) = data.source
            else { throw .ended(name.value) }
            let first = try ask(data, postgres, database, question.value)[0, 0] ?? ""
            guard first == "t" || (Double(first) ?? 0) > 0 else {
                throw Trouble(
                    .missing,
                    Words(
                        "The query's answer is \"\(printable(Array(first.utf8.prefix(100))))\".",
                        de: "Die Abfrage ergibt „\(printable(Array(first.utf8.prefix(100))))“."))
            }
        case .command(let line):
            let text = builder.replaced(line.value, for: application)
            _ = try await Program(
                platform.command(text, in: application.id.value), timeout: Self.patience
            ).output(upTo: Self.answerBytesMax)
        }
    }
}

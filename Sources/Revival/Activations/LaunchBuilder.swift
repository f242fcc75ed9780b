// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Postgres

/// A member of a plan → what is started, with every word for a place replaced by what it is here.
package struct LaunchBuilder: Sendable {
    let institution: Institution
    private let place: ActivationPlace
    private let platform: any LivePlatform
    /// The host that takes outgoing mail; nil for this machine, as the programs see it.
    private let mail: String?

    /// Where a container finds the socket of its database.
    private static let socketFolder = "/run/zwilling"
    private static let clusterFolder = "/var/lib/zwilling/pgdata"
    private static let fileBytesMax = 1 << 20

    package init(
        _ institution: Institution, _ place: ActivationPlace, _ platform: any LivePlatform, mail: String?
    ) {
        (self.institution, self.place, self.platform, self.mail) = (institution, place, platform, mail)
    }

    /// - Parameter isFollowing: of a server that nobody is to reach yet; another may still have its port.
    package func launch(_ member: RevivalPlan.Member, isFollowing: Bool = false) throws(Trouble) -> Launch {
        switch member.role {
        case .application(let application): try launch(application)
        case .server(let data, let postgres): try launch(member.id, data.id.value, postgres, isFollowing)
        }
    }

    // MARK: Applications

    private func launch(_ application: Application) throws(Trouble) -> Launch {
        var launch = Launch(id: application.id.value)
        launch.image = application.image?.value
        let line = platform.hasOwnFiles ? application.command : application.process
        if let line { launch.arguments = Self.shell(replaced(line.value, for: application)) }
        launch.user = application.user?.value
        launch.ports = application.ports.map(\.value)
        for setting in application.configuration?.environment ?? [] {
            launch.environment[setting.name.value] = replaced(setting.value.value, for: application)
        }
        for secret in application.secrets {
            let bytes = try contents(of: place.part(.secrets, secret.data.value))
            switch secret.spot.value {
            case .environment(let name): launch.secretVariables[name] = trimmed(bytes)
            case .file(let path): if platform.hasOwnFiles { launch.secretFiles[path] = bytes }
            }
        }
        if platform.hasOwnFiles { launch.shares = try shares(of: application) }
        return launch
    }

    /// A shell that stays between the program and whoever ends it hands on no signal, so it makes
    /// way where the line is one plain command.
    private static func shell(_ line: String) -> [String] {
        let isPlain = !line.contains { ";&|<>()`\n".contains($0) }
        let first = line.split(separator: " ").first ?? ""
        let isProgram = isPlain && !first.contains("=") && first != "exec"
        return ["/bin/sh", "-c", isProgram ? "exec " + line : line]
    }

    private func shares(of application: Application) throws(Trouble) -> [Launch.Share] {
        var shares: [Launch.Share] = []
        for data in own(application) {
            guard case .files(let files) = data.source else { continue }
            for path in files.paths.map(\.value) {
                shares.append(
                    Launch.Share(
                        outside: place.files(data.id.value, path), inside: inside(data, path, application),
                        isGivenAway: false))
            }
        }
        for file in application.configuration?.files ?? [] {
            shares.append(
                Launch.Share(
                    outside: place.part(.blueprint, file.from.value), inside: file.path.value,
                    isGivenAway: false))
        }
        return shares
    }

    private func own(_ application: Application) -> [DataSet] {
        let names = Set(application.data.map(\.value))
        return institution.data.filter { names.contains($0.id.value) }
    }

    /// Where a path of a data set lies for an application in a container.
    private func inside(_ data: DataSet, _ path: String, _ application: Application) -> String {
        guard case .files(let files) = data.source, files.paths.first?.value == path else { return path }
        return application.mounts.first { $0.data.value == data.id.value }?.at.value ?? path
    }

    /// As a person wrote it, which ends with the line.
    private func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes
    }

    private func contents(of path: [UInt8]) throws(Trouble) -> [UInt8] {
        do throws(SystemError) { return try Machine.readWhole(path, upTo: Self.fileBytesMax) } catch {
            throw error.trouble(Words("Cannot read the secret", de: "Geheimnis nicht lesbar:"))
        }
    }

    // MARK: Words for places

    /// The same text with each word for a place replaced.
    package func replaced(_ text: String, for application: Application) -> String {
        Placeholder.replaced(in: text) { word in
            switch word.kind {
            case .host: host(word.name)
            case .data: folder(word.name, application)
            case .secret: secret(word.name, application)
            case .file: file(word.name, application)
            }
        }
    }

    private func host(_ name: String) -> String? {
        if name == Placeholder.mail { return mail ?? platform.gateway }
        if institution.applications.contains(where: { $0.id.value == name }) {
            return platform.address(of: name)
        }
        return platform.address(of: institution.serverName(of: name))
    }

    private func folder(_ name: String, _ application: Application) -> String? {
        guard let data = institution.data.first(where: { $0.id.value == name }),
            case .files(let files) = data.source, let path = files.paths.first?.value
        else { return nil }
        return platform.hasOwnFiles
            ? inside(data, path, application) : String(decoding: place.files(name, path), as: UTF8.self)
    }

    private func secret(_ name: String, _ application: Application) -> String? {
        guard platform.hasOwnFiles else {
            return String(decoding: place.part(.secrets, name), as: UTF8.self)
        }
        for secret in application.secrets where secret.data.value == name {
            if case .file(let path) = secret.spot.value { return path }
        }
        return nil
    }

    private func file(_ name: String, _ application: Application) -> String? {
        guard let file = application.configuration?.files.first(where: { $0.path.value == name })
        else { return nil }
        return platform.hasOwnFiles
            ? name : String(decoding: place.part(.blueprint, file.from.value), as: UTF8.self)
    }

    // MARK: Servers

    /// - Parameter isHidden: whether it is reached by its socket only.
    func launch(
        _ id: String, _ data: String, _ postgres: DataSet.Postgres, _ isHidden: Bool
    ) throws(Trouble) -> Launch {
        var launch = Launch(id: id)
        launch.image = postgres.server?.image?.value
        launch.user = Self.user(of: postgres)
        launch.stop = .interrupt
        let port = Self.port(of: postgres)
        let version = try self.version(of: data)
        let (cluster, sockets): (String, String)
        if platform.hasOwnFiles {
            (cluster, sockets) = (Self.clusterFolder, Self.socketFolder)
            launch.shares = [
                Launch.Share(outside: place.cluster(data), inside: cluster, isGivenAway: true),
                Launch.Share(outside: place.part(.run, id), inside: sockets, isGivenAway: true),
            ]
        } else {
            cluster = String(decoding: place.cluster(data), as: UTF8.self)
            sockets = String(decoding: place.part(.run, id), as: UTF8.self)
        }
        let listens = isHidden ? "" : platform.hasOwnFiles ? "*" : "127.0.0.1"
        // Debian's packages keep the program of each version in a directory that is in no PATH.
        let line = """
            PATH="/usr/lib/postgresql/\(version)/bin:$PATH"; export PATH
            exec postgres -D '\(cluster)' -p \(port) -k '\(sockets)' -c listen_addresses='\(listens)' \
            -c hba_file='\(cluster)/\(PostgresCopy.accessFile)' -c ident_file='\(cluster)/\(PostgresCopy.accessFile).ident'
            """
        launch.arguments = ["/bin/sh", "-c", line]
        return launch
    }

    package static func port(of postgres: DataSet.Postgres) -> Int {
        postgres.server?.port?.value ?? DataSet.Postgres.Server.usualPort
    }

    package static func user(of postgres: DataSet.Postgres) -> String {
        postgres.server?.user ?? DataSet.Postgres.Server.usualUser
    }

    private func version(of data: String) throws(Trouble) -> String {
        let path = place.cluster(data) + Array("/PG_VERSION".utf8)
        do throws(SystemError) {
            let text = String(decoding: try Machine.readWhole(path, upTo: 16), as: UTF8.self)
            return String(text.prefix { $0.isNumber || $0 == "." })
        } catch { throw error.trouble(Words("No data directory of PostgreSQL:", de: "Kein Datenverzeichnis von PostgreSQL:")) }
    }

    /// The connection to a cluster that was brought back, for whoever has this directory.
    package func address(of data: DataSet, _ postgres: DataSet.Postgres, database: String) throws(Trouble) -> ServerAddress {
        try address(at: institution.serverName(of: data.id.value), postgres, database: database)
    }

    func address(at name: String, _ postgres: DataSet.Postgres, database: String) throws(Trouble) -> ServerAddress {
        let sockets = place.part(.run, name)
        do throws(ServerError) {
            return try ServerAddress(
                "host='\(String(decoding: sockets, as: UTF8.self))' port=\(Self.port(of: postgres)) user='\(Self.user(of: postgres))' dbname='\(database)'")
        } catch { throw error.trouble }
    }
}

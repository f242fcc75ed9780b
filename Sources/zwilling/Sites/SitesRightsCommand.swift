// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct SitesRightsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rights",
        abstract: say("Print the least rights that credentials of a bucket need.", de: "Die kleinsten Rechte drucken, die Zugangsdaten eines Buckets brauchen."),
        discussion: say(
            """
            An IAM policy to paste at the cloud. A writer adds and reads back next to nothing, a reader
            reads, a keeper fills sites, repairs them and renews locks. None of these can delete; a
            steward, who reads no content, takes packs away where no lock holds them.
              zwilling sites rights s3://s3.example.eu/town-vault --role writer
              zwilling sites rights s3://s3.example.eu/town-vault --role keeper
            """,
            de: """
                Eine IAM-Regel zum Einfügen bei der Cloud. Ein Schreiber fügt hinzu und liest fast
                nichts zurück, ein Leser liest, ein Hüter füllt Standorte, stellt sie wieder her und
                erneuert Sperren. Löschen kann keiner von diesen; ein Verwalter, der keinen Inhalt
                liest, nimmt Pakete weg, wo keine Sperre sie hält.
                  zwilling sites rights s3://s3.example.eu/stadt-tresor --role writer
                  zwilling sites rights s3://s3.example.eu/stadt-tresor --role keeper
                """))

    enum Role: String, CaseIterable, ExpressibleByArgument {
        case writer, reader, keeper, steward
    }

    @Argument(
        help: ArgumentHelp(
            say("Such as s3://HOST/BUCKET/PREFIX.", de: "Etwa s3://HOST/BUCKET/PRÄFIX."), valueName: say("site", de: "standort")))
    var site: PathArgument

    @Option(help: ArgumentHelp(say("writer, reader, keeper or steward.", de: "writer (Schreiber), reader (Leser), keeper (Hüter) oder steward (Verwalter)."), valueName: say("role", de: "rolle")))
    var role: Role

    @Option(
        help: ArgumentHelp(
            say("The writer's id, as \"zwilling keys list --json\" shows it; else this machine's.", de: "Kennung des Schreibers, wie „zwilling keys list --json“ sie zeigt; sonst die dieses Rechners."),
            valueName: say("id", de: "kennung")))
    var writer: String?

    mutating func run() async throws {
        guard case .bucket(let address) = try VaultPlace(site) else {
            throw Trouble.option("SITE", Words("a bucket: s3://HOST/BUCKET/PREFIX", de: "ein Bucket: s3://RECHNER/BUCKET/PRÄFIX"))
        }
        let rights = BucketRights(address)
        switch role {
        case .reader: try showJSON(rights.reader)
        case .keeper: try showJSON(rights.keeper)
        case .steward: try showJSON(rights.steward)
        case .writer: try showJSON(rights.writer(try id(at: .bucket(address))))
        }
    }

    private func id(at place: VaultPlace) throws(Trouble) -> Identifier {
        if let writer {
            guard let id = [UInt8](hex: writer).flatMap({ Identifier($0) }) else {
                throw .option("--writer", Words("32 hexadecimal digits", de: "32 Hexadezimalziffern"))
            }
            return id
        }
        let states = try StateDirectory()
        let known = try states.vaults()
        guard let keys = try (VaultSites(states).remembered(place) ?? (known.count == 1 ? known[0] : nil))?.keys() else {
            throw Trouble(
                .missing,
                Words("This machine is no writer of a vault there.", de: "Dieser Rechner ist kein Schreiber eines Tresors dort."),
                advice: Words("Name one with --writer ID; \"zwilling keys list --json\" shows them.", de: "Mit --writer KENNUNG einen nennen; „zwilling keys list --json“ zeigt sie."))
        }
        return keys.writer
    }
}

private let statementFolder = Statement.folder

/// Policies by which a cloud lets somebody do no more than they must ("Policies and permissions in
/// Amazon S3", Amazon S3 User Guide).
struct BucketRights {
    struct Policy: Encodable {
        let Version = "2012-10-17"
        let Statement: [Statement]
    }

    struct Statement: Encodable {
        let Sid: String
        let Effect = "Allow"
        let Action: [String]
        let Resource: [String]
        var Condition: [String: [String: [String]]]?
    }

    private let bucket: String
    private let prefix: String

    init(_ address: S3Address) { (bucket, prefix) = ("arn:aws:s3:::\(address.bucket)", address.prefix) }

    private func objects(_ names: [String]) -> [String] { names.map { "\(bucket)/\(prefix)\($0)*" } }

    private func listing(_ names: [String], _ actions: [String]) -> Statement {
        Statement(Sid: "List", Action: actions, Resource: [bucket], Condition: ["StringLike": ["s3:prefix": names.map { "\(prefix)\($0)*" }]])
    }

    /// Packs are written blindly: their names are the hashes of what is in them.
    func writer(_ id: Identifier) -> Policy {
        let own = [Record.prefix(id), RecordBundle.prefix(id), SealedUnit.prefix(id)]
        let read = Keyring.folders + [statementFolder] + own
        return Policy(Statement: [
            Statement(Sid: "Add", Action: ["s3:PutObject"], Resource: objects(["packs/"] + own)),
            Statement(Sid: "Read", Action: ["s3:GetObject"], Resource: objects(read)),
            listing([Keyring.prefix, statementFolder] + own, ["s3:ListBucket"]),
        ])
    }

    var reader: Policy { Policy(Statement: reading) }

    private var reading: [Statement] {
        [
            Statement(Sid: "Read", Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: objects([""])),
            listing([""], ["s3:ListBucket", "s3:ListBucketVersions"]),
            Statement(Sid: "Look", Action: ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"], Resource: [bucket]),
        ]
    }

    var keeper: Policy {
        Policy(
            Statement: reading + [
                Statement(Sid: "Add", Action: ["s3:PutObject"], Resource: objects([""])),
                Statement(Sid: "Lock", Action: ["s3:GetObjectRetention", "s3:PutObjectRetention", "s3:AbortMultipartUpload"], Resource: objects([""])),
            ])
    }

    /// Reads what says which packs there are, of these only the beginning that names their writer, and takes
    /// them away. Who may read part of an object may read it: it stays sealed all the same.
    var steward: Policy {
        Policy(
            Statement: reading + [
                Statement(Sid: "State", Action: ["s3:PutObject"], Resource: objects([statementFolder])),
                Statement(Sid: "Remove", Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"], Resource: objects(["packs/"])),
            ])
    }
}

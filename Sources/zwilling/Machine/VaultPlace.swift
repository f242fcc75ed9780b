// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Sites
import Vault

/// Where a copy of a vault lies: a directory that this machine sees, a bucket, or a host that
/// OpenSSH reaches.
enum VaultPlace: Hashable {
    /// Its real path.
    case directory([UInt8])
    case bucket(S3Address)
    case host(SFTPAddress)

    /// As somebody typed it.
    init(_ argument: PathArgument) throws(Trouble) {
        let text = String(decoding: argument.bytes, as: UTF8.self)
        if let far = try Self.far(text) { self = far } else { self = .directory(try argument.absolute()) }
    }

    /// As this machine noted it.
    init(noted bytes: [UInt8]) throws(Trouble) {
        let text = String(decoding: bytes, as: UTF8.self)
        self = try Self.far(text) ?? .directory(bytes)
    }

    /// nil where it is a path.
    private static func far(_ text: String) throws(Trouble) -> VaultPlace? {
        if S3Address.isOne(text) { return .bucket(try S3Address(text)) }
        return SFTPAddress.isOne(text) ? .host(try SFTPAddress(text)) : nil
    }

    var bytes: [UInt8] {
        switch self {
        case .directory(let path): path
        case .bucket(let address): Array(address.text.utf8)
        case .host(let address): Array(address.text.utf8)
        }
    }

    var shown: String { printable(bytes) }

    /// As the keyring names it.
    var address: String { String(decoding: bytes, as: UTF8.self) }

    /// Of a directory in which no copy of a vault lies: the mount point of a disk that is not there,
    /// or what is left where somebody has deleted it.
    var hasNoKeyring: Bool {
        if case .directory(let path) = self { return !Machine.exists(path + Array("/keyring".utf8)) }
        return false
    }

    /// nil where no path of this machine leads into it.
    var tree: TreePath? {
        if case .directory(let path) = self { return treePath(path) }
        return nil
    }

    func open(in states: StateDirectory) throws(Trouble) -> any Site {
        switch self {
        case .directory(let path): try DirectorySite(opening: path)
        case .bucket(let address): try SiteAccess(to: address, in: states).site(at: address)
        case .host(let address): SFTPSite(address)
        }
    }

    /// For a new vault. A bucket is made at the cloud, where also its lock and its region are chosen.
    func create(in states: StateDirectory) async throws(Trouble) -> any Site {
        if case .directory(let path) = self { return try DirectorySite.create(path) }
        let site = try open(in: states)
        if let host = site as? SFTPSite { try await host.makeRoot() }
        let lacks = try await SiteProbe(site).run().filter { !$0.isThere && $0.ability.isNeeded }
        guard let first = lacks.first else { return site }
        throw first.trouble ?? Trouble(
            .system,
            Words(
                "\"\(shown)\" cannot hold a vault. \(first.ability.lack.english)",
                de: "„\(shown)“ kann keinen Tresor halten. \(first.ability.lack.german)"),
            advice: Words(
                "\"zwilling sites test\" shows all that it can and lacks.", de: "„zwilling sites test“ zeigt alles, was er kann und was ihm fehlt."))
    }
}

extension SiteProbe.Ability {
    /// Without which there can be no vault.
    var isNeeded: Bool { [.keeping, .conditionalWriting, .listing].contains(self) }

    var name: Words {
        switch self {
        case .keeping: Words("gives back what was put", de: "gibt zurück, was geschrieben wurde")
        case .rangedReading: Words("gives a part of an object", de: "gibt einen Teil eines Objekts")
        case .conditionalWriting: Words("lets exactly one of several writers win", de: "lässt genau einen von mehreren Schreibern gewinnen")
        case .replacing: Words("replaces an object", de: "ersetzt ein Objekt")
        case .listing: Words("lists what was put, at once", de: "listet sofort, was geschrieben wurde")
        case .multipart: Words("takes a large object in parts", de: "nimmt ein großes Objekt in Teilen")
        case .locking: Words("locks what it gets", de: "sperrt, was er bekommt")
        case .removing: Words("removes an object", de: "entfernt ein Objekt")
        }
    }

    /// What it means where it is not there.
    var lack: Words {
        switch self {
        case .keeping:
            Words("What is put there does not come back as it was.", de: "Was dort geschrieben wird, kommt nicht zurück, wie es war.")
        case .rangedReading:
            Words(
                "It gives no parts of objects, so that looking at one file costs a whole pack.",
                de: "Er gibt keine Teile von Objekten; wer eine Datei ansieht, zahlt ein ganzes Paket.")
        case .conditionalWriting:
            Words(
                "It lets two writers take one place, so that a snapshot could vanish behind another.",
                de: "Er lässt zwei Schreiber denselben Platz belegen; ein Stand könnte hinter einem anderen verschwinden.")
        case .replacing:
            Words("Nothing can be replaced, so that keys cannot be added.", de: "Nichts lässt sich ersetzen; Schlüssel lassen sich nicht hinzufügen.")
        case .listing:
            Words(
                "New objects are not listed at once, so that snapshots could seem to be missing.",
                de: "Neue Objekte erscheinen nicht sofort; Stände könnten zu fehlen scheinen.")
        case .multipart:
            Words(
                "A large object goes in one piece only, and begins anew where the line breaks off.",
                de: "Ein großes Objekt geht nur am Stück und beginnt von vorn, wenn die Leitung abreißt.")
        case .locking:
            Words(
                "Nothing is locked: whoever has the cloud's account can delete the vault at once. Object lock with a default retention prevents that.",
                de: "Nichts ist gesperrt: Wer das Konto bei der Cloud hat, kann den Tresor sofort löschen. Object Lock mit einer Vorgabe verhindert das.")
        case .removing:
            Words(
                "These credentials remove nothing. That is good for a machine that only protects: a thief of it cannot delete either.",
                de: "Diese Zugangsdaten entfernen nichts. Für einen Rechner, der nur sichert, ist das gut: Auch ein Dieb kann nicht löschen.")
        }
    }
}

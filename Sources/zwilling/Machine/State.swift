// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

/// Where this machine keeps what it knows of its vaults: `ZWILLING_HOME`, else
/// `$XDG_STATE_HOME/zwilling`, else `~/.local/state/zwilling`.
struct StateDirectory {
    let path: [UInt8]

    init() throws(Trouble) {
        let candidates: [(variable: String, below: String)] = [
            ("ZWILLING_HOME", ""), ("XDG_STATE_HOME", "/zwilling"),
            ("HOME", "/.local/state/zwilling"),
        ]
        for (variable, below) in candidates {
            guard let value = Terminal.environment(variable), !value.isEmpty else { continue }
            let path = Terminal.bytes(of: value)
            guard path.first == UInt8(ascii: "/") else {
                throw Trouble(
                    .wrongUse,
                    Words(
                        "\(variable) is \"\(printable(path))\", not an absolute path.",
                        de: "\(variable) ist „\(printable(path))“, kein absoluter Pfad."),
                    advice: Words("Name it from / on.", de: "Den Pfad von / an nennen."))
            }
            self.path = path + Array(below.utf8)
            return
        }
        throw Trouble(
            .wrongUse,
            Words(
                "It is not known where this machine's keys lie: HOME is not set.",
                de: "Wo die Schlüssel dieses Rechners liegen, ist unbekannt: HOME fehlt."),
            advice: Words(
                "Set HOME, or ZWILLING_HOME to a directory of your choice.",
                de: "HOME setzen, oder ZWILLING_HOME auf ein Verzeichnis eigener Wahl."))
    }

    private var folder: [UInt8] { path + Array("/vaults".utf8) }

    func state(of vault: Identifier) -> VaultState {
        VaultState(vault: vault, folder: folder + Array("/\(vault)".utf8))
    }

    /// Every vault of which this machine knows something, ordered by id.
    func vaults() throws(Trouble) -> [VaultState] {
        do throws(SystemError) {
            let names = try Descriptor.directory(folder).names()
            return names.compactMap { name in
                [UInt8](hex: String(decoding: name, as: UTF8.self))
                    .flatMap { Identifier($0) }.map { state(of: $0) }
            }.sorted { $0.vault < $1.vault }
        } catch {
            if error.kind == .missing { return [] }
            throw error.at(folder).trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    /// Makes sure that something can be kept here, before something is made that must be kept.
    func prepare() throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
        } catch {
            throw error.trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:"))
        }
    }
}

/// What this machine keeps of one vault. Only the writer's key is secret; the cache may go at any
/// time, and the memory is what shows that a vault was rolled back.
struct VaultState {
    let vault: Identifier
    let folder: [UInt8]

    enum File: String {
        case writerKey = "writer.key"
        /// Of the writer that keeps what was done with the twin.
        case actKey = "acts.key"
        /// Of the steward, who says what may go.
        case stewardKey = "steward.key"
        /// Where the vault lies.
        case place
        case memory, cache, lock
        /// At which sites it lies, as the keyring said last.
        case plan
        /// Directory of what sites have to get later, one for each.
        case spool
        /// Of whoever brings up or ends its twin.
        case activationLock = "activation-lock"
        /// By which this machine knows its own claim to an invitation.
        case claimant
        /// The hash of the blueprint that was captured last.
        case blueprint
        /// Which container images were captured last.
        case images
        /// Directories of container images while they are captured, and while they are loaded.
        case imagesOnTheirWay = "images-on-their-way"
        case imagesToLoad = "images-to-load"
        /// Until when the log of each data set is known to be in the vault wholly.
        case standing
        /// How the applications go on that hold still now.
        case held
        /// Directory of what a running service was asked to capture at once, and of its answers.
        case wishes
        /// How far the original has come that hands its work over.
        case handover
        /// Directory of the logs that are not merged yet, one for each data set.
        case logs
    }

    func path(_ file: File) -> [UInt8] { folder + Array("/\(file.rawValue)".utf8) }

    /// nil where there is no such file.
    func read(_ file: File, upTo limit: Int = 1 << 20) throws(Trouble) -> [UInt8]? {
        do throws(SystemError) {
            return try Machine.readWhole(path(file), upTo: limit)
        } catch {
            if error.kind == .missing { return nil }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    func write(_ file: File, _ bytes: [UInt8]) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            try Machine.writeDurably(path(file), bytes)
        } catch {
            throw error.at(path(file)).trouble(
                Words("Cannot write", de: "Lässt sich nicht schreiben:"))
        }
    }

    /// Runs `body` while no other command changes what is kept, so that none forgets what another
    /// has just seen. Held for a moment only, unlike the lock of a writer.
    func alone(_ body: () throws(Trouble) -> Void) throws(Trouble) {
        let held = try lockedFolder()
        try body()
        _ = consume held
    }

    private func lockedFolder() throws(Trouble) -> Descriptor {
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            let held = try Descriptor.directory(folder)
            try held.lock()
            return held
        } catch { throw error.at(folder).trouble(Words("Cannot lock", de: "Sperre misslingt:")) }
    }

    func keys() throws(Trouble) -> WriterKeys? { try keys(in: .writerKey) }

    /// Whether this machine has no writer that the vault still takes.
    func isReplaced(in keyring: Keyring) throws(Trouble) -> Bool {
        guard let keys = try keys(), case .active? = keyring.writer(keys.writer)?.state else { return true }
        return false
    }

    func actKeys() throws(Trouble) -> WriterKeys? { try keys(in: .actKey) }

    func stewardKeys() throws(Trouble) -> StewardKeys? {
        try keys(in: .stewardKey) { (bytes) throws(Malformed) in try StewardKeys(decoding: bytes) }
    }

    private func keys(in file: File) throws(Trouble) -> WriterKeys? {
        try keys(in: file) { (bytes) throws(Malformed) in try WriterKeys(decoding: bytes) }
    }

    private func keys<Keys>(in file: File, _ decode: ([UInt8]) throws(Malformed) -> Keys) throws(Trouble) -> Keys? {
        guard let bytes = try read(file) else { return nil }
        do throws(Malformed) { return try decode(bytes) } catch {
            throw Trouble(
                .damaged,
                Words(
                    "This machine's key file \"\(printable(path(file)))\" is damaged.",
                    de: "Die Schlüsseldatei „\(printable(path(file)))“ ist beschädigt."),
                advice: file == .stewardKey
                    ? Words(
                        "Move the file away and make this machine a new steward with \"zwilling keys steward\".",
                        de: "Die Datei wegbewegen und diesen Rechner mit „zwilling keys steward“ neu zum Verwalter machen.")
                    : Words(
                        "Make this machine a new writer with \"zwilling keys add --replace\".",
                        de: "Diesen Rechner mit „zwilling keys add --replace“ neu anmelden."),
                cause: error)
        }
    }

    func memory() throws(Trouble) -> Memory? {
        guard let bytes = try read(.memory, upTo: 1 << 28) else { return nil }
        do throws(Malformed) { return try Memory(decoding: bytes) } catch {
            let file = printable(path(.memory))
            throw Trouble(
                .damaged,
                Words(
                    "What this machine remembers of the vault is damaged: \"\(file)\".",
                    de: "Was sich dieser Rechner vom Tresor gemerkt hat, ist beschädigt: „\(file)“."
                ),
                advice: Words(
                    "It shows whether somebody put back an old copy of the vault. Remove the file "
                        + "to go on, then compare \"zwilling snapshots\" with what must be there.",
                    de: "Daran erkennt er, ob jemand eine alte Kopie des Tresors eingespielt hat. "
                        + "Zum Weitermachen die Datei löschen und danach „zwilling snapshots“ mit "
                        + "dem vergleichen, was da sein muss."),
                cause: error)
        }
    }

    /// nil where this machine has not tried to take up an invitation, or no longer knows.
    func claimant() throws(Trouble) -> Identifier? {
        try read(.claimant).flatMap { Identifier($0) }
    }

    /// nil where there is none or it cannot be used: it is then made anew.
    func cache(for domain: Domain) -> WriterCache? { WriterCache(keptAt: path(.cache), for: domain) }

    func keep(_ cache: WriterCache, for domain: Domain) throws(Trouble) {
        do throws(SystemError) { try cache.keep(at: path(.cache), for: domain) } catch {
            throw error.at(path(.cache)).trouble(Words("Cannot write", de: "Lässt sich nicht schreiben:"))
        }
    }

    /// Whether the blueprint has changed since it was captured last.
    func isNew(blueprint files: [(name: String, bytes: [UInt8])]) throws(Trouble) -> Bool {
        try read(.blueprint) != Self.hash(files)
    }

    func keep(blueprint files: [(name: String, bytes: [UInt8])]) throws(Trouble) {
        try write(.blueprint, Self.hash(files))
    }

    private static func hash(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var writer = ByteWriter()
        for (name, bytes) in files {
            writer.text(name)
            writer.block(bytes)
        }
        return Array(Sealing.hash(writer.bytes).hex.utf8)
    }

    /// What a continuous capture on this machine said last; empty where there is none.
    func standing() throws(Trouble) -> [String: Moment] {
        guard let bytes = try read(.standing) else { return [:] }
        do throws(Malformed) {
            var reader = ByteReader(bytes)
            let all = try reader.list { (reader: inout ByteReader) throws(Malformed) in
                (try reader.text(), try reader.moment())
            }
            return Dictionary(all) { first, _ in first }
        } catch {
            // It is written anew every few seconds.
            return [:]
        }
    }

    func keep(standing: [String: Moment]) throws(Trouble) {
        var writer = ByteWriter()
        writer.varint(standing.count)
        for (id, moment) in standing.sorted(by: { $0.key < $1.key }) {
            writer.text(id)
            writer.moment(moment)
        }
        try write(.standing, writer.bytes)
    }

    /// The command lines by which applications go on that hold still now.
    private func held() throws(Trouble) -> [String] {
        guard let bytes = try read(.held) else { return [] }
        do throws(Malformed) {
            var reader = ByteReader(bytes)
            return try reader.list { (reader: inout ByteReader) throws(Malformed) in
                try reader.text()
            }
        } catch {
            throw Trouble(
                .damaged,
                Words(
                    "Which applications still hold still is not known: \"\(printable(path(.held)))\" is damaged.",
                    de: "Welche Anwendungen noch angehalten sind, ist unbekannt: „\(printable(path(.held)))“ ist beschädigt."),
                advice: Words(
                    "See whether they all go on, then remove the file.",
                    de: "Nachsehen, ob alle weiterlaufen, dann die Datei löschen."),
                cause: error)
        }
    }

    private func keep(held lines: [String]) throws(Trouble) {
        var writer = ByteWriter()
        writer.varint(lines.count)
        for line in lines { writer.text(line) }
        try write(.held, writer.bytes)
    }

    var heldApplications: HeldApplications {
        HeldApplications { line throws(Trouble) in
            try keep(held: try held().filter { $0 != line } + [line])
        } end: { line throws(Trouble) in
            try keep(held: try held().filter { $0 != line })
        }
    }

    /// Lets go on what a run held still that was killed meanwhile. For whoever has the writer's lock.
    func resumeHeld() async throws(Trouble) {
        for line in try held() {
            do throws(Trouble) {
                try await heldApplications.resume(line)
                warn(
                    Words(
                        "an application was held still by a run that was killed; it goes on now.",
                        de: "Eine Anwendung war noch angehalten von einem Lauf, der abgebrochen wurde; sie läuft jetzt weiter."))
            } catch { warn(error.message) }
        }
    }

    /// Of one writer: another one's ranges must never stand for its units.
    func spoolFolder(of dataSet: String, _ writer: Identifier) -> [UInt8] {
        path(.logs) + Array("/\(writer)/\(dataSet)".utf8)
    }

    func place() throws(Trouble) -> VaultPlace? {
        guard let place = try read(.place), !place.isEmpty else { return nil }
        return try VaultPlace(noted: place)
    }

    /// Nothing where it lies at one site, or nobody has seen it.
    func plan() throws(Trouble) -> SitePlan {
        guard let bytes = try read(.plan), !bytes.isEmpty else { return SitePlan() }
        do throws(Malformed) { return try SitePlan(decoding: bytes) } catch {
            // It is noted again as soon as one site answers.
            return SitePlan()
        }
    }

    /// For a vault whose directory another one has taken.
    func forgetPlace() throws(Trouble) { try write(.place, []) }
}

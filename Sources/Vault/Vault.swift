// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites

/// The sealed, signed, deduplicated store of one twin, at one site.
///
/// What one can do depends on the keys one brings: a `Vault` can be checked, `Observed` records
/// can be read, an `OpenVault` gives content, and a `VaultWriter` adds. There is no way from one
/// to the other without the key.
package struct Vault: Sendable {
    package let site: any Site
    package let keyring: Keyring
    /// SHA-256 of the keyring's object.
    package let keyringHash: Digest

    /// Copies of keyrings that are damaged or missing, while the other copy is whole.
    package let troubles: [Trouble]
    /// Those that are missing, each with the one that is whole.
    let missingCopies: [(missing: ObjectName, whole: ObjectName)]

    /// Opens a vault: reads its keyrings from the first on and checks that each is signed by the
    /// same root and follows the one before.
    ///
    /// - Parameter memory: what this machine has seen of this vault, if anything.
    package init(at site: any Site, remembering memory: Memory?) async throws(Trouble) {
        Limits.check()
        let listed = try await Self.keyrings(at: site)
        let numbers = Self.numbers(listed)
        guard let last = numbers.max(), last > 0 else { throw .noVault(site.label) }
        // A number without those before it: found by counting, so that one planted far ahead
        // costs nothing.
        if numbers.count < Int(last), let gap = (1...last).first(where: { !numbers.contains($0) }) {
            throw .missing(Keyring.name(gap).text, at: site.label)
        }
        var chain: (keyring: Keyring, hash: Digest)?
        var troubles: [Trouble] = []
        var missingCopies: [(missing: ObjectName, whole: ObjectName)] = []
        for number in 1...last {
            var found: (keyring: Keyring, hash: Digest)?
            var whole: ObjectName?
            var failures: [Trouble] = []
            // The copy is read where the first is not whole, and by `verify`.
            for folder in Keyring.folders where found == nil {
                let name = Keyring.name(number, in: folder)
                do throws(Trouble) {
                    found = try await Self.keyring(name, number, at: site, after: chain, memory)
                    whole = name
                } catch { failures.append(error) }
            }
            guard let found, let whole else { throw failures[0] }
            troubles += failures
            for folder in Keyring.folders {
                let name = Keyring.name(number, in: folder)
                guard name != whole, !listed.contains(name) else { continue }
                missingCopies.append((name, whole))
                if failures.isEmpty { troubles.append(.missing(name.text, at: site.label)) }
            }
            chain = found
        }
        guard let chain else { throw .noVault(site.label) }
        try memory?.check(chain.keyring, chain.hash, site: site.label)
        (self.site, keyring, keyringHash) = (site, chain.keyring, chain.hash)
        (self.troubles, self.missingCopies) = (troubles, missingCopies)
    }

    /// Both folders at once.
    private static func keyrings(at site: any Site) async throws(Trouble) -> Set<ObjectName> {
        Set(try await site.list(Keyring.prefix).map(\.name))
    }

    private static func numbers(_ listed: Set<ObjectName>) -> Set<UInt32> {
        Set(
            listed.compactMap { name in
                Keyring.folders.first { name.text.hasPrefix($0) }.flatMap { UInt32(name.text.dropFirst($0.count)) }
            })
    }

    package func hasNewerKeyring() async throws(Trouble) -> Bool {
        Self.numbers(try await Self.keyrings(at: site)).max() != keyring.number
    }

    private static func keyring(
        _ name: ObjectName, _ number: UInt32, at site: any Site,
        after previous: (keyring: Keyring, hash: Digest)?, _ memory: Memory?
    ) async throws(Trouble) -> (keyring: Keyring, hash: Digest) {
        let bytes = try await site.whole(name, upTo: Limits.statementBytesMax) { bytes in
            do {
                let one = try Keyring(decoding: bytes)
                return one.number == number && one.previous == (previous?.hash ?? .zero)
                    && (previous.map { $0.keyring.vault == one.vault && $0.keyring.root == one.root }
                        ?? memory.map { $0.vault == one.vault && $0.root == one.root.fingerprint } ?? true)
            } catch { return false }
        }
        let keyring: Keyring
        do { keyring = try Keyring(decoding: bytes) } catch {
            throw .malformed(name.text, at: site.label, error)
        }
        let follows =
            keyring.number == number && keyring.previous == (previous?.hash ?? .zero)
            && (previous.map { $0.keyring.vault == keyring.vault } ?? true)
            && (previous.map { $0.keyring.root == keyring.root } ?? true)
        guard follows else {
            throw .damaged(
                name.text, at: site.label,
                Words(
                    "it does not follow the keyring before it",
                    de: "er schließt nicht an den vorigen Schlüsselring an"))
        }
        return (keyring, Sealing.hash(bytes))
    }

    /// What is wrong with the copies of keyrings; that which opening has found comes again.
    func copyFindings() async -> [Trouble] {
        var findings = troubles
        for number in 1...keyring.number {
            let name = Keyring.name(number, in: Keyring.folders[1])
            do throws(Trouble) {
                let bytes = try await object(name, upTo: Limits.statementBytesMax)
                if keyring.isRight(name, bytes) == false { findings.append(.changed(name.text, at: site.label)) }
            } catch { findings.append(error) }
        }
        var seen: Set<String> = []
        return findings.filter { seen.insert($0.message.english).inserted }
    }

    /// Reads an object whole, and refuses one that is larger than it can be.
    package func object(_ name: ObjectName, upTo max: Int) async throws(Trouble) -> [UInt8] {
        try await site.whole(name, upTo: max) { keyring.isRight(name, $0) ?? true }
    }

    /// Puts what lies at fewer sites than must have it, because whoever put it was killed: before anything
    /// is built on it, or the loss of one site would leave a gap that nobody can fill.
    ///
    /// - Parameter hash: of the object, where two may have been put by one name.
    func complete(_ name: ObjectName, _ hash: Digest, in folder: String) async throws(Trouble) {
        guard !(try await site.listStored(folder).contains { $0.name == name }) else { return }
        // One that is there in several sizes is damaged somewhere: to mend that is the keeper's work.
        guard try await site.list(folder).count(where: { $0.name == name }) == 1 else { return }
        let bytes = try await site.whole(name, upTo: Limits.statementBytesMax) { Sealing.hash($0) == hash }
        guard Sealing.hash(bytes) == hash else { throw .changed(name.text, at: site.label) }
        do throws(Trouble) { try await site.put(name, bytes[...], existing: .refuse) } catch {
            // It was there, and only not shown; or it is damaged at one of them, which a keeper mends.
            if error.kind == .exists { return }
            guard try await site.listStored(folder).contains(where: { $0.name == name }) else { throw error }
        }
    }

    /// Tries the passphrase. Takes about half a second and 128 MiB, on purpose.
    package func unlock(passphrase: [UInt8]) throws(Trouble) -> UnlockedKeyring {
        do { return try keyring.unlock(passphrase: passphrase) } catch {
            throw .wrongPassphrase(site.label)
        }
    }
}

extension Site {
    /// Where several copies can be had, one that `accepting` takes.
    func whole(
        _ name: ObjectName, upTo max: Int, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8] {
        let bytes = try await get(name, in: 0..<max + 1) { $0.count <= max && accepting($0) }
        guard bytes.count <= max else {
            throw .damaged(
                name.text, at: label, Words("it is too large", de: "es ist zu groß"))
        }
        return bytes
    }
}

extension Trouble {
    package static func noVault(_ site: String) -> Trouble {
        Trouble(
            .missing,
            Words("There is no vault at \"\(site)\".", de: "In „\(site)“ ist kein Tresor."),
            advice: Words(
                "Check the path, or make one with \"zwilling vault create\".",
                de: "Pfad prüfen oder mit „zwilling vault create“ einen anlegen."))
    }
}

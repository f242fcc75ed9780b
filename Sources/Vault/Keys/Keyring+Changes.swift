// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// A keyring whose passphrase has been given: the only value that can read content, and the only
/// one that can change the keyring.
package struct UnlockedKeyring: Sendable {
    package let keyring: Keyring
    package let strongbox: Strongbox
    let accessKey: SymmetricKey
}

extension Keyring {
    /// The first keyring of a new vault.
    package static func new(
        passphrase: [UInt8], companions: [Companion], world: World, roundsExponent: UInt8? = nil
    ) throws(Unopened) -> UnlockedKeyring {
        let strongbox = Strongbox.new(from: world)
        let accessKey = SymmetricKey(data: world.random(32))
        let root = try strongbox.root.identity
        let vault = Identifier(from: world)
        let wrap = try PassphraseWrap.new(
            passphrase: passphrase, accessKey: accessKey,
            binding: vault.bytes + root.fingerprint.bytes,
            roundsExponent: roundsExponent ?? PassphraseWrap.roundsExponent, from: world)
        var epochs: [Epoch] = []
        for (number, seed) in strongbox.readerSeeds {
            epochs.append(
                Epoch(number: number, reader: try Strongbox.recipientKey(seed).publicKey))
        }
        let draft = Keyring(
            vault: vault, number: 1, previous: .zero, root: root, made: world.now(),
            wraps: [wrap], strongboxSalt: [], sealedStrongbox: [],
            observer: try Strongbox.recipientKey(strongbox.observerSeed).publicKey,
            epochs: epochs, writers: [], companions: companions)
        return UnlockedKeyring(
            keyring: draft.lockingUp(strongbox, accessKey, world: world), strongbox: strongbox,
            accessKey: accessKey)
    }

    /// Tries the passphrase. That it opens shows that root is the one it was made with, since the
    /// root's fingerprint is bound into what the passphrase opens.
    package func unlock(passphrase: [UInt8]) throws(Unopened) -> UnlockedKeyring {
        for wrap in wraps {
            do {
                let accessKey = try wrap.accessKey(passphrase: passphrase, binding: binding)
                let plain = try Sealing.open(
                    sealedStrongbox,
                    under: Sealing.derive(accessKey, "zwilling strongbox", strongboxSalt),
                    binding: strongboxBinding)
                let strongbox = try Strongbox(decoding: Array(plain))
                guard try strongbox.root.identity == root else { throw Unopened() }
                return UnlockedKeyring(
                    keyring: self, strongbox: strongbox, accessKey: accessKey)
            } catch { continue }
        }
        throw Unopened()
    }

    private var strongboxBinding: [UInt8] {
        var writer = ByteWriter()
        writer.raw(binding)
        writer.u32(number)
        return writer.bytes
    }

    private func lockingUp(
        _ strongbox: Strongbox, _ accessKey: SymmetricKey, world: World
    ) -> Keyring {
        let salt = world.random(32)
        let sealed = Sealing.seal(
            strongbox.encoded, under: Sealing.derive(accessKey, "zwilling strongbox", salt),
            binding: strongboxBinding)
        return with(salt: salt, sealed: Array(sealed))
    }

    private func with(salt: [UInt8], sealed: [UInt8]) -> Keyring {
        Keyring(
            vault: vault, number: number, previous: previous, root: root, made: made,
            wraps: wraps, strongboxSalt: salt, sealedStrongbox: sealed, observer: observer,
            epochs: epochs, writers: writers, companions: companions, plan: plan, promotion: promotion, stewards: stewards)
    }

    fileprivate func with(_ wraps: [PassphraseWrap], _ epochs: [Epoch]) -> Keyring {
        Keyring(
            vault: vault, number: number, previous: previous, root: root, made: made,
            wraps: wraps, strongboxSalt: strongboxSalt, sealedStrongbox: sealedStrongbox, observer: observer,
            epochs: epochs, writers: writers, companions: companions, plan: plan, promotion: promotion, stewards: stewards)
    }

    fileprivate func next(
        after hash: Digest, writers: [Writer], companions: [Companion], plan: SitePlan, promotion: Promotion?,
        stewards: [Steward], _ strongbox: Strongbox, _ accessKey: SymmetricKey, world: World
    ) -> Keyring {
        Keyring(
            vault: vault, number: number + 1, previous: hash, root: root, made: world.now(),
            wraps: wraps, strongboxSalt: [], sealedStrongbox: [], observer: observer,
            epochs: epochs, writers: writers, companions: companions, plan: plan, promotion: promotion, stewards: stewards
        ).lockingUp(strongbox, accessKey, world: world)
    }
}

extension UnlockedKeyring {
    /// The same keys for a keyring that follows this one.
    package func following(_ newer: Keyring) -> UnlockedKeyring {
        UnlockedKeyring(keyring: newer, strongbox: strongbox, accessKey: accessKey)
    }

    /// The object to put, signed by root.
    package var encoded: [UInt8] {
        get throws(Unopened) { try keyring.encoded(signedBy: strongbox.root) }
    }

    /// The same keyring with one more writer, and the keys that the writer's machine keeps.
    package func adding(
        writerNamed name: String, after hash: Digest?, companions: [Companion]? = nil,
        world: World
    ) throws(Unopened) -> (UnlockedKeyring, WriterKeys) {
        let keys = WriterKeys(
            vault: keyring.vault, root: keyring.root.fingerprint, writer: Identifier(from: world),
            signingSeed: world.random(32), domain: Identifier(from: world),
            domainSecret: world.random(Domain.secretBytes), observerSeed: strongbox.observerSeed)
        let epoch = keyring.currentEpoch
        let writer = Writer(
            id: keys.writer, name: name, publicKey: try keys.publicKey, added: world.now(),
            domain: keys.domain, epoch: epoch.number,
            sealedDomainSecret: try Sealing.seal(
                keys.domainSecret, to: epoch.reader,
                info: Writer.domainInfo(
                    vault: keyring.vault, writer: keys.writer, domain: keys.domain)),
            state: .active)
        let changed = with(
            keyring.writers + [writer], companions: companions, after: hash, world: world)
        return (changed, keys)
    }

    /// The same keyring with a writer retired after its last record.
    package func retiring(
        _ id: Identifier, lastSequence: UInt64, lastRecord: Digest, after hash: Digest,
        world: World
    ) -> UnlockedKeyring {
        let writers = keyring.writers.map {
            $0.id == id ? $0.retired(after: lastSequence, lastRecord) : $0
        }
        return with(writers, companions: nil, after: hash, world: world)
    }

    /// The same keyring with another plan of sites.
    package func planning(_ plan: SitePlan, after hash: Digest, world: World) -> UnlockedKeyring {
        with(keyring.writers, companions: nil, plan: plan, after: hash, world: world)
    }

    /// The same keyring with a new reader, to whom everything is sealed that comes, and a new passphrase.
    /// Neither what an older passphrase opens nor an older reader's key leads to that.
    package func rotating(
        to passphrase: [UInt8], after hash: Digest, world: World, roundsExponent: UInt8 = PassphraseWrap.roundsExponent
    ) throws(Unopened) -> UnlockedKeyring {
        let number = keyring.currentEpoch.number + 1
        let strongbox = strongbox.adding(readerOf: number, from: world)
        let access = SymmetricKey(data: world.random(32))
        let wrap = try PassphraseWrap.new(
            passphrase: passphrase, accessKey: access, binding: keyring.binding, roundsExponent: roundsExponent, from: world)
        let reader = try strongbox.reader(of: number).publicKey
        let changed = keyring.with([wrap], keyring.epochs + [Keyring.Epoch(number: number, reader: reader)])
            .next(
                after: hash, writers: keyring.writers, companions: keyring.companions, plan: keyring.plan,
                promotion: keyring.promotion, stewards: keyring.stewards, strongbox, access, world: world)
        return UnlockedKeyring(keyring: changed, strongbox: strongbox, accessKey: access)
    }

    /// The same keyring with other stewards.
    func stewarding(_ stewards: [Steward], after hash: Digest, world: World) -> UnlockedKeyring {
        with(keyring.writers, companions: nil, stewards: stewards, after: hash, world: world)
    }

    /// - Parameter hash: SHA-256 of the keyring object that this one follows; nil while the first
    ///   is still being made.
    func with(
        _ writers: [Writer], companions: [Companion]?, plan: SitePlan? = nil, promotion: Promotion? = nil,
        stewards: [Steward]? = nil, after hash: Digest?, world: World
    ) -> UnlockedKeyring {
        let companions = companions ?? keyring.companions
        let changed: Keyring
        if let hash {
            changed = keyring.next(
                after: hash, writers: writers, companions: companions, plan: plan ?? keyring.plan,
                promotion: promotion ?? keyring.promotion, stewards: stewards ?? keyring.stewards, strongbox, accessKey,
                world: world)
        } else {
            changed = Keyring(
                vault: keyring.vault, number: keyring.number, previous: keyring.previous,
                root: keyring.root, made: keyring.made, wraps: keyring.wraps,
                strongboxSalt: keyring.strongboxSalt,
                sealedStrongbox: keyring.sealedStrongbox, observer: keyring.observer,
                epochs: keyring.epochs, writers: writers, companions: companions)
        }
        return UnlockedKeyring(
            keyring: changed, strongbox: strongbox, accessKey: accessKey)
    }

    /// The domain of a writer, with its secret.
    package func domain(of writer: Writer) throws(Unopened) -> Domain {
        let secret = try Sealing.open(
            writer.sealedDomainSecret, with: try strongbox.reader(of: writer.epoch),
            info: Writer.domainInfo(
                vault: keyring.vault, writer: writer.id, domain: writer.domain))
        guard secret.count == Domain.secretBytes else { throw Unopened() }
        return Domain(id: writer.domain, secret: SymmetricKey(data: secret))
    }
}

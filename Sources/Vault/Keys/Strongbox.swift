// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// Everything that the passphrase opens: the secrets of root, observer and readers.
package struct Strongbox: Sendable {
    package let rootSeeds: (classical: [UInt8], postQuantum: [UInt8])
    package let observerSeed: [UInt8]
    /// Seeds of the readers, by epoch, rising.
    package let readerSeeds: [(epoch: UInt32, seed: [UInt8])]

    static func new(from world: World) -> Strongbox {
        Strongbox(
            rootSeeds: (world.random(32), world.random(32)), observerSeed: world.random(32),
            readerSeeds: [(1, world.random(32))])
    }

    /// With one more reader, whose key is new.
    func adding(readerOf epoch: UInt32, from world: World) -> Strongbox {
        Strongbox(rootSeeds: rootSeeds, observerSeed: observerSeed, readerSeeds: readerSeeds + [(epoch, world.random(32))])
    }

    package var root: RootKey {
        get throws(Unopened) {
            try RootKey(
                classicalSeed: rootSeeds.classical, postQuantumSeed: rootSeeds.postQuantum)
        }
    }

    package func reader(of epoch: UInt32) throws(Unopened) -> Sealing.RecipientKey {
        guard let seed = readerSeeds.first(where: { $0.epoch == epoch })?.seed else {
            throw Unopened()
        }
        return try Self.recipientKey(seed)
    }

    package static func recipientKey(_ seed: [UInt8]) throws(Unopened) -> Sealing.RecipientKey {
        do {
            return try Sealing.RecipientKey(seedRepresentation: seed, publicKey: nil)
        } catch { throw Unopened() }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.raw(rootSeeds.classical)
        writer.raw(rootSeeds.postQuantum)
        writer.raw(observerSeed)
        writer.varint(readerSeeds.count)
        for (epoch, seed) in readerSeeds {
            writer.u32(epoch)
            writer.raw(seed)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        let classical = try reader.raw(32)
        let postQuantum = try reader.raw(32)
        rootSeeds = (classical, postQuantum)
        observerSeed = try reader.raw(32)
        readerSeeds = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.u32(), try reader.raw(32))
        }
        try reader.end()
    }

    private init(
        rootSeeds: ([UInt8], [UInt8]), observerSeed: [UInt8], readerSeeds: [(UInt32, [UInt8])]
    ) {
        self.rootSeeds = rootSeeds
        self.observerSeed = observerSeed
        self.readerSeeds = readerSeeds
    }
}

/// How a passphrase gives the access key: scrypt (RFC 7914), as BSI TR-02102 leaves open and
/// swift-crypto has (it has no Argon2).
package struct PassphraseWrap: Sendable {
    package static let kind: UInt8 = 1
    /// 2^17 rounds of 1 KiB blocks: 128 MiB and about half a second.
    package static let roundsExponent: UInt8 = 17

    let roundsExponent: UInt8
    let blockSize: UInt32
    let parallelism: UInt32
    let salt: [UInt8]
    let sealedAccessKey: [UInt8]

    static func new(
        passphrase: [UInt8], accessKey: SymmetricKey, binding: [UInt8],
        roundsExponent: UInt8 = Self.roundsExponent, from world: World
    ) throws(Unopened) -> PassphraseWrap {
        let salt = world.random(32)
        let key = try stretched(passphrase, salt, roundsExponent, 8, 1)
        return PassphraseWrap(
            roundsExponent: roundsExponent, blockSize: 8, parallelism: 1, salt: salt,
            sealedAccessKey: Array(
                Sealing.seal(accessKey.bytes, under: key, binding: binding)))
    }

    func accessKey(passphrase: [UInt8], binding: [UInt8]) throws(Unopened) -> SymmetricKey {
        let key = try Self.stretched(
            passphrase, salt, roundsExponent, Int(blockSize), Int(parallelism))
        return SymmetricKey(data: try Sealing.open(sealedAccessKey, under: key, binding: binding))
    }

    private static func stretched(
        _ passphrase: [UInt8], _ salt: [UInt8], _ roundsExponent: UInt8, _ blockSize: Int,
        _ parallelism: Int
    ) throws(Unopened) -> SymmetricKey {
        let key = try Sealing.stretch(
            passphrase: passphrase, salt: salt, rounds: 1 << Int(roundsExponent),
            blockSize: blockSize, parallelism: parallelism)
        return Sealing.derive(key, "zwilling access")
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(roundsExponent)
        writer.u32(blockSize)
        writer.u32(parallelism)
        writer.raw(salt)
        writer.raw(sealedAccessKey)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        roundsExponent = try reader.u8()
        blockSize = try reader.u32()
        parallelism = try reader.u32()
        // A hostile vault must not be able to ask for all the memory there is: 1 GiB at most.
        guard (10...22).contains(roundsExponent), (1...32).contains(blockSize),
            (1...16).contains(parallelism),
            128 * UInt64(blockSize) << UInt64(roundsExponent) <= 1 << 30
        else { throw Malformed("scrypt with impossible parameters", at: 0) }
        salt = try reader.raw(32)
        sealedAccessKey = try reader.raw(32 + Sealing.tagBytes)
        try reader.end()
    }

    private init(
        roundsExponent: UInt8, blockSize: UInt32, parallelism: UInt32, salt: [UInt8],
        sealedAccessKey: [UInt8]
    ) {
        (self.roundsExponent, self.blockSize) = (roundsExponent, blockSize)
        (self.parallelism, self.salt) = (parallelism, salt)
        self.sealedAccessKey = sealedAccessKey
    }
}

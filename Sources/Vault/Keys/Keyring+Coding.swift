// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

extension Keyring {
    private static let signedLabel = "zwilling keyring"

    /// The whole object, signed.
    func encoded(signedBy root: RootKey) throws(Unopened) -> [UInt8] {
        var writer = ByteWriter()
        Magic.write("K", to: &writer)
        writer.raw([0, 0])
        writer.raw(vault.bytes)
        writer.u32(number)
        writer.digest(previous)
        writer.raw(self.root.classical)
        writer.raw(self.root.postQuantum)
        let body = encodedBody
        writer.u32(UInt32(body.count))
        writer.raw(body)
        writer.raw(try root.signatures(of: Sealing.labelled(Self.signedLabel, writer.bytes)))
        return writer.bytes
    }

    private var encodedBody: [UInt8] {
        var writer = ByteWriter()
        writer.moment(made)
        writer.varint(wraps.count)
        for wrap in wraps {
            writer.u8(PassphraseWrap.kind)
            writer.block(wrap.encoded)
        }
        writer.raw(strongboxSalt)
        writer.block(sealedStrongbox)
        writer.raw(observer.rawRepresentation)
        writer.varint(epochs.count)
        for epoch in epochs {
            writer.u32(epoch.number)
            writer.raw(epoch.reader.rawRepresentation)
        }
        writer.varint(writers.count)
        for one in writers { one.encode(to: &writer) }
        writer.varint(companions.count)
        for companion in companions {
            writer.text(companion.name)
            writer.varint(companion.size)
            writer.digest(companion.digest)
        }
        // None where none is needed, so that older readers go on.
        let plan = plan == SitePlan() ? nil : (SitePlan.tag, plan.encoded)
        let stewards = stewards.isEmpty ? nil : (Steward.tag, Steward.encode(stewards))
        let extensions = [plan, promotion.map { (Promotion.tag, $0.encoded) }, stewards].compactMap(\.self)
        writer.varint(extensions.count)
        for (tag, content) in extensions {
            writer.varint(tag)
            writer.u8(1)
            writer.block(content)
        }
        return writer.bytes
    }

    /// Reads a keyring and checks both signatures by the root that it names. Whether that is the
    /// right root is for the passphrase, or for what this machine remembers, to say.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("K", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        vault = try reader.identifier()
        number = try reader.u32()
        previous = try reader.digest()
        root = RootIdentity(
            classical: try reader.raw(RootIdentity.classicalBytes),
            postQuantum: try reader.raw(RootIdentity.postQuantumBytes))
        let bodyBytes = Int(try reader.u32())
        let bodyStart = reader.offset
        _ = try reader.raw(bodyBytes)
        let signed = Array(bytes[..<reader.offset])
        let signatures = try reader.raw(RootIdentity.signatureBytes)
        try reader.end()
        guard root.hasSigned(Sealing.labelled(Self.signedLabel, signed), signatures) else {
            throw Malformed("root's signatures do not fit", at: signed.count)
        }

        var body = ByteReader(bytes, in: bodyStart..<bodyStart + bodyBytes)
        made = try body.moment()
        wraps = try body.list { (body: inout ByteReader) throws(Malformed) in
            let start = body.offset
            guard try body.u8() == PassphraseWrap.kind else {
                throw Malformed("unknown way to the access key", at: start)
            }
            return try PassphraseWrap(decoding: try body.block())
        }
        strongboxSalt = try body.raw(32)
        sealedStrongbox = try body.block()
        observer = try body.recipient()
        epochs = try body.list { (body: inout ByteReader) throws(Malformed) in
            Epoch(number: try body.u32(), reader: try body.recipient())
        }
        guard !epochs.isEmpty, zip(epochs, epochs.dropFirst()).allSatisfy({ $0.number < $1.number })
        else { throw Malformed("epochs do not rise", at: body.offset) }
        writers = try body.list(Writer.init(decoding:))
        companions = try body.list { (body: inout ByteReader) throws(Malformed) in
            Companion(
                name: try body.text(upTo: 255),
                size: try body.number(upTo: Limits.companionBytesMax), digest: try body.digest())
        }
        let extensions = try body.extensions(known: [SitePlan.tag, Promotion.tag, Steward.tag])
        if let bytes = extensions[SitePlan.tag] { plan = try SitePlan(decoding: bytes) }
        promotion = try extensions[Promotion.tag].map { (bytes) throws(Malformed) in try Promotion(decoding: bytes) }
        if let bytes = extensions[Steward.tag] { stewards = try Steward.decode(bytes) }
        try body.end()
    }
}

extension Writer {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.raw(id.bytes)
        writer.text(name)
        writer.raw(publicKey)
        writer.moment(added)
        writer.raw(domain.bytes)
        writer.u32(epoch)
        writer.raw(sealedDomainSecret)
        switch state {
        case .active:
            writer.u8(0)
        case .retired(let lastSequence, let lastRecord):
            writer.u8(1)
            writer.u64(lastSequence)
            writer.digest(lastRecord)
        }
    }

    fileprivate init(decoding body: inout ByteReader) throws(Malformed) {
        id = try body.identifier()
        name = try body.text(upTo: 255)
        publicKey = try body.raw(32)
        added = try body.moment()
        domain = try body.identifier()
        epoch = try body.u32()
        sealedDomainSecret = try body.raw(Sealing.wrappedKeyBytes)
        state =
            try body.flag()
            ? .retired(lastSequence: try body.sequence(), lastRecord: try body.digest()) : .active
    }
}

extension ByteWriter {
    package mutating func moment(_ moment: Moment) {
        signed(moment.seconds)
        u32(moment.nanoseconds)
    }
}

extension ByteReader {
    /// One with which can be reckoned: within 34,000 years of 1970.
    mutating func date() throws(Malformed) -> Moment {
        let start = offset
        let moment = try moment()
        guard (-(1 << 40) + 1..<1 << 40).contains(moment.seconds) else { throw Malformed("no date", at: start) }
        return moment
    }

    package mutating func moment() throws(Malformed) -> Moment {
        let seconds = try signed()
        let start = offset
        let nanoseconds = try u32()
        guard nanoseconds < 1_000_000_000 else {
            throw Malformed("a second has fewer nanoseconds", at: start)
        }
        return Moment(seconds: seconds, nanoseconds: nanoseconds)
    }

    fileprivate mutating func recipient() throws(Malformed) -> Sealing.Recipient {
        let start = offset
        do {
            return try Sealing.Recipient(rawRepresentation: try raw(Sealing.publicKeyBytes))
        } catch { throw Malformed("not a public key", at: start) }
    }

    /// The place of a record: at most twelve digits, as in its name.
    package mutating func sequence() throws(Malformed) -> UInt64 {
        let start = offset
        let sequence = try u64()
        guard sequence < 1_000_000_000_000 else {
            throw Malformed("no place of a record", at: start)
        }
        return sequence
    }

    /// Extensions that this version does not know: passed over, unless they are critical (an
    /// unknown security option is an error, never ignored).
    ///
    /// - Returns: those of the tags that the caller knows.
    @discardableResult
    package mutating func extensions(known: Set<Int> = []) throws(Malformed) -> [Int: [UInt8]] {
        let all = try list { (reader: inout ByteReader) throws(Malformed) in
            let start = reader.offset
            let tag = try reader.varint()
            let isCritical = try reader.flag()
            let block = try reader.block()
            if let tag = Int(exactly: tag), known.contains(tag) { return (Int?.some(tag), block) }
            if isCritical { throw Malformed("\(Magic.newer) (extension \(tag))", at: start) }
            return (Int?.none, block)
        }
        var found: [Int: [UInt8]] = [:]
        for case (let tag?, let block) in all where found.updateValue(block, forKey: tag) != nil {
            throw Malformed("extension \(tag) stands there twice", at: offset)
        }
        return found
    }
}

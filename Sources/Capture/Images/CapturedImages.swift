// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Which images a machine captured last: what is as it was need not be captured again.
package struct CapturedImages: Hashable, Sendable {
    /// By which policy they were judged; nil for the system's own.
    package var policy: Digest?
    /// By reference.
    package var ids: [String: Digest]

    package init(policy: Digest?, ids: [String: Digest]) { (self.policy, self.ids) = (policy, ids) }

    package static let none = CapturedImages(policy: nil, ids: [:])

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.block(policy?.bytes ?? [])
        writer.varint(ids.count)
        for (reference, id) in ids.sorted(by: { $0.key < $1.key }) {
            writer.text(reference)
            writer.digest(id)
        }
        return writer.bytes
    }
}

extension CapturedImages {
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        policy = Digest(try reader.block())
        let all = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.text(), try reader.digest())
        }
        ids = Dictionary(all) { first, _ in first }
        try reader.end()
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A path below the root of the file system, as the bytes of its components.
package typealias TreePath = [[UInt8]]

/// A path as programs and the kernel write it, from the root on.
package func slashed(_ path: TreePath) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    return path.isEmpty ? [slash] : path.reduce(into: []) { $0 += [slash] + $1 }
}

/// Whether `one` comes before `other` in tree order: a directory before what is in it, siblings
/// by the bytes of their names.
package func treePrecedes(_ one: TreePath, _ other: TreePath) -> Bool {
    for (a, b) in zip(one, other) where a != b { return a.lexicographicallyPrecedes(b) }
    return one.count < other.count
}

/// Whether a component can stand in a tree: nothing that would lead out of a target directory.
package func isPlainName(_ name: [UInt8]) -> Bool {
    (1...Limits.nameBytesMax).contains(name.count)
        && name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")]
        && !name.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
}

extension ByteReader {
    mutating func name() throws(Malformed) -> [UInt8] {
        let start = offset
        let name = try block(upTo: Limits.nameBytesMax)
        guard isPlainName(name) else {
            throw Malformed("a name that would lead out of the tree", at: start)
        }
        return name
    }

    mutating func treePath() throws(Malformed) -> TreePath {
        try list { (reader: inout ByteReader) throws(Malformed) in try reader.name() }
    }
}

extension ByteWriter {
    mutating func treePath(_ path: TreePath) {
        varint(path.count)
        for name in path { block(name) }
    }
}

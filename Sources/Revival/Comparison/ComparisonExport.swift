// SPDX-License-Identifier: EUPL-1.2
import Files
import FoundationEssentials
import Ground
import Postgres
import Vault

/// Everything in which an original and its twin differ, in a new directory that only its owner can
/// read: these are other people's data.
///
/// A cluster: `DATABASE/SCHEMA/TABLE/` with `only-original.csv`, `only-twin.csv`, and line by line
/// beside one another `different-original.csv` and `different-twin.csv`. Directories: the files
/// themselves below `original/` and `twin/`, and `differences.csv`. Both: `summary.json`.
package final class ComparisonExport {
    private let ladder: Ladder
    private let path: [UInt8]

    /// - Parameter path: nothing may be there yet.
    package init(at path: [UInt8]) throws(Trouble) {
        self.path = path
        guard !Machine.exists(path) else {
            throw Trouble(
                .exists, Words("\"\(printable(path))\" exists already.", de: "„\(printable(path))“ gibt es schon."),
                advice: Words("Name a directory that does not.", de: "Ein Verzeichnis nennen, das es noch nicht gibt."))
        }
        do throws(SystemError) {
            try Machine.makeDirectories(path)
            ladder = Ladder(root: try Descriptor.directory(path))
        } catch { throw error.at(path).trouble(Self.act) }
    }

    fileprivate static let act = Words("Cannot write to", de: "Nicht beschreibbar:")

    /// Runs `body` with a directory of the export, which is made first.
    fileprivate func with<Result: ~Copyable>(
        _ steps: TreePath, _ body: (borrowing Descriptor) throws(SystemError) -> Result
    ) throws(Trouble) -> Result {
        do throws(SystemError) {
            try ladder.makeDirectories(steps)
            return try ladder.withDirectory(steps, body)
        } catch { throw error.at(path + slashed(steps)).trouble(Self.act) }
    }

    package func write(_ summary: some Encodable) throws(Trouble) {
        let bytes: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            bytes = Array(try encoder.encode(summary))
        } catch {
            throw Trouble(
                .system, Words("The summary cannot be written.", de: "Die Zusammenfassung lässt sich nicht schreiben."),
                cause: error)
        }
        try with([]) { (directory) throws(SystemError) in
            try directory.replace(Array("summary.json".utf8), by: bytes)
        }
    }
}

/// A table for others to read (RFC 4180). What is NULL stands without quotes, as in PostgreSQL's own.
private final class CSVFile {
    private static let bytesMax = 1 << 16
    private let file: Descriptor
    private var bytes: [UInt8] = []
    private var offset: Int64 = 0

    init(_ name: String, in steps: TreePath, of export: ComparisonExport) throws(Trouble) {
        file = try export.with(steps) { (directory) throws(SystemError) in try directory.create(Array(name.utf8)) }
    }

    func line(_ cells: Cells) throws(Trouble) {
        for (index, cell) in cells.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            guard let cell else { continue }
            let quote = UInt8(ascii: "\"")
            bytes.append(quote)
            for byte in cell {
                if byte == quote { bytes.append(quote) }
                bytes.append(byte)
            }
            bytes.append(quote)
        }
        bytes += [13, 10]
        if bytes.count > Self.bytesMax { try flush { _ throws(SystemError) in } }
    }

    func end() throws(Trouble) { try flush { (file) throws(SystemError) in try file.synchronize() } }

    private func flush(_ last: (borrowing Descriptor) throws(SystemError) -> Void) throws(Trouble) {
        do throws(SystemError) {
            try file.write(bytes, at: offset)
            try last(file)
        } catch { throw error.trouble(ComparisonExport.act) }
        offset += Int64(bytes.count)
        bytes.removeAll(keepingCapacity: true)
    }
}

// MARK: - Clusters

/// The rows of a cluster, for `ClusterComparison`. Their last cell says who has changed them, where
/// there is a base.
package struct ClusterExport: ComparisonSink {
    private let export: ComparisonExport
    private let hasBase: Bool
    private var steps: TreePath = []
    private var headings: Cells = []
    private var files: [String: CSVFile] = [:]

    package init(_ export: ComparisonExport, hasBase: Bool) {
        (self.export, self.hasBase) = (export, hasBase)
    }

    package mutating func begin(_ columns: ComparedColumns) throws(Trouble) {
        try end()
        steps = [columns.database, columns.table.schema, columns.table.name].map(Self.step)
        headings = (columns.columns + (hasBase ? ["changed_by"] : [])).map { Array($0.utf8) }
    }

    package mutating func row(_ row: DifferingRow) throws(Trouble) {
        let kind = row.twin == nil || row.original == nil ? "only" : "different"
        for (side, cells) in [("original", row.original), ("twin", row.twin)] {
            guard let cells else { continue }
            let name = "\(kind)-\(side).csv"
            let file: CSVFile
            if let open = files[name] { file = open } else {
                file = try CSVFile(name, in: steps, of: export)
                try file.line(headings)
                files[name] = file
            }
            try file.line(cells + (hasBase ? [row.changer.map { Array($0.rawValue.utf8) }] : []))
        }
    }

    /// Must be called after the last row.
    package mutating func end() throws(Trouble) {
        for name in files.keys.sorted() { try files[name]?.end() }
        files = [:]
    }

    /// A name of a cluster as one of a directory: letters, digits, `_` and `-`, all else as `%NN`. So
    /// none leads elsewhere, and no two are the same; PostgreSQL's have 63 bytes at most.
    static func step(_ name: String) -> [UInt8] {
        name.utf8.flatMap { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                [byte]
            default: Array("%".utf8) + Array([byte].hex.uppercased().utf8)
            }
        }
    }
}

// MARK: - Directories

/// Both versions of the files that `FolderComparison` names. Of what is neither file, directory nor
/// symlink there is only the line in `differences.csv`.
package final class FolderExport {
    private let export: ComparisonExport
    private let sides: [(name: String, ladder: Ladder)]
    private let list: CSVFile

    package init(_ export: ComparisonExport, original: [UInt8], twin: [UInt8]) throws(Trouble) {
        self.export = export
        do throws(SystemError) {
            sides = [
                ("original", Ladder(root: try Descriptor.directory(original))),
                ("twin", Ladder(root: try Descriptor.directory(twin))),
            ]
        } catch { throw error.trouble(Words("Cannot look at", de: "Nicht einsehbar:")) }
        list = try CSVFile("differences.csv", in: [], of: export)
        try list.line(["path", "change", "changed_by"].map { Array($0.utf8) })
    }

    package func add(_ difference: FolderDifference) throws(Trouble) {
        try list.line([
            Array(difference.path.joined(separator: [UInt8(ascii: "/")])),
            Array(difference.change.rawValue.utf8), difference.changer.map { Array($0.rawValue.utf8) },
        ])
        guard difference.change != .permissions else { return }
        for (side, kind) in zip(sides, [difference.original, difference.twin]) {
            let steps = [Array(side.name.utf8)] + difference.path
            if kind == .directory { try export.with(steps) { _ throws(SystemError) in } }
            guard kind == .file || kind == .symlink, let name = steps.last else { continue }
            try export.with(steps.dropLast()) { (target) throws(SystemError) in
                try side.ladder.withDirectory(difference.path.dropLast()) { (source) throws(SystemError) in
                    if kind == .file {
                        try Self.copy(name, from: source, to: target)
                    } else {
                        try target.makeSymlink(name, to: source.linkTarget(name))
                    }
                }
            }
        }
    }

    /// Must be called after the last difference.
    package func end() throws(Trouble) { try list.end() }

    private static let pieceBytes: Int64 = 1 << 18

    /// Content without its holes, and the time of its last change.
    private static func copy(
        _ name: [UInt8], from source: borrowing Descriptor, to target: borrowing Descriptor
    ) throws(SystemError) {
        let old = try source.file(name)
        let status = try old.status()
        // What has its name by now may be something that has no end.
        guard status.kind == .file else { return }
        let new = try target.create(name)
        try new.truncate(to: status.size)
        var buffer = [UInt8](repeating: 0, count: Int(pieceBytes))
        var offset: Int64 = 0
        while let start = try old.nextData(from: offset), start < status.size {
            let end = min(try old.nextHole(from: start), status.size)
            offset = start
            while offset < end {
                let count = Int(min(pieceBytes, end - offset))
                let got = try old.read(into: &buffer, at: 0, count: count, from: offset)
                // Somebody cuts it off while it is read.
                guard got > 0 else { return }
                try new.write(buffer[..<got], at: offset)
                offset += Int64(got)
            }
            if end <= start { return }
        }
        try new.setTimes(modified: status.modified)
        try new.synchronize()
    }
}

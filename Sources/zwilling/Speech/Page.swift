// SPDX-License-Identifier: EUPL-1.2
import Files
import FoundationEssentials
import Ground

/// What a command puts on standard output: gathered, so that long lists cost few system calls, and
/// checked, so that a full disk does not pass for an empty list.
final class Page {
    private static let bytesMax = 1 << 16
    private var bytes: [UInt8] = []
    private var failure: SystemError?

    func line(_ text: String) {
        bytes += text.utf8
        bytes.append(UInt8(ascii: "\n"))
        if bytes.count > Self.bytesMax { flush() }
    }

    /// Whether what goes on is still being read by anybody.
    var isOpen: Bool { failure == nil }

    private func flush() {
        defer { bytes.removeAll(keepingCapacity: true) }
        guard failure == nil else { return }
        do throws(SystemError) {
            try Terminal.write(bytes, to: .output)
        } catch {
            failure = error
        }
    }

    /// Must be called once everything is on the page.
    func end() throws(Trouble) {
        flush()
        if let failure {
            throw failure.trouble(Words("Cannot write the output", de: "Ausgabe misslingt"))
        }
    }
}

/// Puts lines on standard output.
func show(_ lines: [String]) throws(Trouble) {
    let page = Page()
    for line in lines { page.line(line) }
    try page.end()
}

/// Puts one JSON object on standard output, its keys in camel case and sorted.
func showJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try show([String(decoding: try encoder.encode(value), as: UTF8.self)])
}

/// Rows with their columns under one another; numbers stand to the right.
func table(_ rows: [[String]], rightAligned: Set<Int>) -> [String] {
    var widths: [Int] = []
    for row in rows {
        for (column, cell) in row.enumerated() {
            if column == widths.count { widths.append(0) }
            widths[column] = max(widths[column], cell.count)
        }
    }
    return rows.map { row in
        let cells = row.enumerated().map { column, cell in
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            if rightAligned.contains(column) { return padding + cell }
            return column == row.count - 1 ? cell : cell + padding
        }
        return cells.joined(separator: "  ")
    }
}

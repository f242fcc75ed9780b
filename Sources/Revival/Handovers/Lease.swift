// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// Until when a program of the original may run: a file that whoever may have the work renews, and that
/// the program's own keeper reads. By a clock that goes on while the machine sleeps or its programs are
/// frozen (clock_gettime(2), CLOCK_BOOTTIME), and of this start of the machine only.
package struct Lease: Sendable {
    private let path: [UInt8]

    package init(_ path: [UInt8]) { self.path = path }

    /// - Parameter end: by `Machine.secondsSinceBoot`, from before it was asked whether the work is here: who
    ///   was frozen since may have been replaced long ago.
    /// - Throws: where it cannot be kept; then it lapses.
    package func renew(until end: Double) throws(Trouble) { try write("\(try Self.start()) \(end)\n") }

    package func revoke() throws(Trouble) { try write("\n") }

    private func write(_ text: String) throws(Trouble) {
        do throws(SystemError) { try Machine.writeDurably(path, Array(text.utf8)) } catch {
            throw error.trouble(Words("Cannot keep the lease", de: "Lease nicht zu halten:"))
        }
    }

    /// One that cannot be read has lapsed.
    package var isValid: Bool {
        do {
            let words = String(decoding: try Machine.readWhole(path, upTo: 256), as: UTF8.self).split { $0.isWhitespace }
            guard words.count == 2, let until = Double(words[1]) else { return false }
            return try words[0] == Self.start() && Machine.secondsSinceBoot() < until
        } catch { return false }
    }

    /// Which start of the machine this is (random(4), boot_id).
    private static func start() throws(Trouble) -> String {
        do throws(SystemError) {
            let bytes = try Machine.readWhole(Array("/proc/sys/kernel/random/boot_id".utf8), upTo: 64)
            return String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
        } catch { throw error.trouble(Words("Cannot read", de: "Nicht lesbar:")) }
    }
}

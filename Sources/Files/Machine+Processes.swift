// SPDX-License-Identifier: EUPL-1.2
import Glibc
import Ground

extension Machine {
    package static var isRoot: Bool { geteuid() == 0 }

    /// Sends SIGTERM. One that is gone already is what was wanted.
    package static func askToStop(_ process: Int32) { _ = kill(process, SIGTERM) }

    /// Ends all that a process has started and that has not left its group.
    package static func killGroup(_ process: Int32) {
        if process > 1 { _ = kill(-process, SIGKILL) }
    }

    /// When a process began, in ticks since the machine did (proc(5), field 22); nil where it is gone.
    package static func processStart(_ process: Int32) -> UInt64? {
        let fields = statFields(process)
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// The name of a process's program, as the kernel has it; nil where it is gone.
    package static func commandName(_ process: Int32) -> String? {
        do throws(SystemError) {
            let name = try readWhole(Array("/proc/\(process)/comm".utf8), upTo: 64)
            return String(decoding: name.dropLast(), as: UTF8.self)
        } catch { return nil }
    }

    /// What proc(5) tells of a process from its state on; empty where it is gone.
    static func statFields(_ process: Int32) -> [Substring] {
        do throws(SystemError) {
            let bytes = try readWhole(Array("/proc/\(process)/stat".utf8), upTo: 4096)
            // The name before may have any characters in it.
            guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return [] }
            return String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        } catch { return [] }
    }

    /// This program's own file.
    package static func ownProgram() throws(SystemError) -> [UInt8] { try realPath(Array("/proc/self/exe".utf8)) }

    /// Bytes that a user without privileges can still write in the file system of a directory.
    package static func freeBytes(_ path: [UInt8]) throws(SystemError) -> UInt64 {
        var status = statvfs()
        // Safe because the path ends with NUL and the kernel fills the whole structure.
        try settled { unsafe statvfs(path.map(CChar.init(bitPattern:)) + [0], &status) }
            .checked("statvfs", path)
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// Memory that programs can still have (MemAvailable of proc(5)); nil where it is not told.
    package static func freeMemory() -> UInt64? {
        do throws(SystemError) {
            let text = String(decoding: try readWhole(Array("/proc/meminfo".utf8), upTo: 1 << 16), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
            return line.flatMap { UInt64($0.split(separator: " ")[1]) }.map { $0 << 10 }
        } catch { return nil }
    }
}

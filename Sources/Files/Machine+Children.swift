// SPDX-License-Identifier: EUPL-1.2
import Glibc
import Ground

extension Machine {
    /// Ends all programs that this process has started, with what they have started themselves in
    /// their process groups: asked first, and killed after two seconds.
    package static func endChildren() {
        let all = children()
        var left = all
        for _ in 0..<40 where !left.isEmpty {
            for child in left { tell(child, SIGTERM) }
            left.removeAll { child in
                // One that is no child is as gone as one that has ended.
                waitpid(child.process, nil, WNOHANG) != 0
            }
            if !left.isEmpty { pause(milliseconds: 50) }
        }
        // Whoever leads a group may be gone before those in it.
        for child in all where child.leadsGroup || left.contains(where: { $0.process == child.process }) {
            tell(child, SIGKILL)
        }
    }

    private struct Child {
        let process: pid_t
        let leadsGroup: Bool
    }

    private static func tell(_ child: Child, _ signal: Int32) {
        _ = kill(child.leadsGroup ? -child.process : child.process, signal)
    }

    private static func children() -> [Child] {
        let names: [[UInt8]]
        do throws(SystemError) { names = try Descriptor.directory(Array("/proc".utf8)).names() } catch {
            return []
        }
        return names.compactMap { name in
            guard let process = pid_t(String(decoding: name, as: UTF8.self)) else { return nil }
            // State, parent and group.
            let fields = statFields(process)
            guard fields.count > 2, fields[1] == "\(processId)" else { return nil }
            return Child(process: process, leadsGroup: fields[2] == "\(process)")
        }
    }
}

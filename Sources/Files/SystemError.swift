// SPDX-License-Identifier: EUPL-1.2
import Glibc
import Ground

/// A refusal of the operating system. It stays within the rooms that know of files; at their edge
/// it becomes `Trouble`.
package struct SystemError: Error, Hashable, Sendable {
    /// The number that Linux gave, such as `ENOSPC`.
    package let code: Int32
    /// The call that failed, such as `openat`, for those who search for a bug.
    package let operation: String
    /// To what it was done: the name within its directory, or the path by which a descriptor was
    /// opened. Whoever knows the whole path says so with `at(_:)`.
    package let path: [UInt8]

    package init(code: Int32, operation: String, path: [UInt8]) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// The same refusal with the path by which people know the file.
    package func at(_ path: [UInt8]) -> SystemError {
        SystemError(code: code, operation: operation, path: path)
    }

    package var kind: Trouble.Kind {
        switch code {
        case ENOSPC, EDQUOT: .full
        case EROFS: .readOnly
        case EACCES, EPERM: .denied
        case ENOENT: .missing
        case EEXIST: .exists
        case EBUSY, EAGAIN: .busy
        default: .system
        }
    }

    /// `<act> "<path>": <reason>`, where `act` is what the user wanted, such as "Cannot read".
    package func trouble(_ act: Words, advice: Words? = nil) -> Trouble {
        let object = path.isEmpty ? "" : " \"\(printable(path))\""
        let reason = words
        let message = Words(
            "\(act.english)\(object): \(reason.english)",
            de: "\(act.german)\(object): \(reason.german)")
        return Trouble(kind, message, advice: advice ?? usualAdvice, cause: self)
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String { "\(operation), errno \(code)" }
}

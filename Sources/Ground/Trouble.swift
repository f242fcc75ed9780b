// SPDX-License-Identifier: EUPL-1.2

/// What went wrong, to what, and what to do next: the one error that leaves a room.
public struct Trouble: Error, Sendable {
    /// Told apart by programs (`--json`, exit codes, retries), while people read `message`.
    public enum Kind: String, Sendable {
        /// The command, its options or a file it was given are wrong (exit code 2).
        case wrongUse = "wrong-use"
        /// An object is there but is not what was written.
        case damaged
        /// An object that must exist is not there.
        case missing
        /// The passphrase or key does not open it.
        case wrongKey = "wrong-key"
        /// Made by a newer Zwilling, in a way that this one does not understand.
        case newerFormat = "newer-format"
        /// A site shows an older state than this machine has already seen.
        case stale
        /// Somebody else is at it.
        case busy
        /// It exists already and must not be overwritten.
        case exists
        /// No space or no inodes left.
        case full
        /// The place can only be read.
        case readOnly = "read-only"
        /// The operating system refuses.
        case denied
        /// The operating system reports anything else.
        case system
    }

    public let kind: Kind
    public let message: Words
    /// The next step, with a command where there is one.
    public let advice: Words?
    /// What lay beneath it.
    public let cause: (any Error)?

    public init(
        _ kind: Kind, _ message: Words, advice: Words? = nil, cause: (any Error)? = nil
    ) {
        self.kind = kind
        self.message = message
        self.advice = advice
        self.cause = cause
    }

    public var exitCode: Int32 { kind == .wrongUse ? 2 : 1 }
}

extension Trouble: CustomStringConvertible {
    public var description: String {
        var text = message.english
        if let advice { text += " " + advice.english }
        if let cause { text += " (\(cause))" }
        return text
    }
}

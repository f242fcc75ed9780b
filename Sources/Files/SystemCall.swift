// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc

/// The longest path that one system call takes, with its closing NUL (PATH_MAX of limits.h).
let pathBytesMax = 4096

/// What a system call came to: a number that is not negative, or the errno with which it failed. A
/// type of its own, so that nothing can take it for a fresh result and look at errno again.
struct Outcome {
    /// The negative errno of a failure.
    private let value: Int

    static func failure(_ code: Int32) -> Outcome { Outcome(value: -Int(code)) }
    static func success(_ result: Int) -> Outcome { Outcome(value: result) }

    /// 0 where it succeeded.
    var code: Int32 { value < 0 ? Int32(-value) : 0 }

    /// What the call returned; 0 where it failed.
    var result: Int { max(value, 0) }

    @inline(__always) @discardableResult
    func checked(_ operation: String, _ path: [UInt8]) throws(SystemError) -> Int {
        guard value >= 0 else {
            throw SystemError(code: code, operation: operation, path: path)
        }
        return value
    }
}

/// Makes a call, again for as long as a signal interrupts it.
@inline(__always)
func settled<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Outcome {
    while true {
        let result = call()
        if result >= 0 { return .success(Int(result)) }
        let reason = errno
        if reason != EINTR { return .failure(reason) }
    }
}

extension [UInt8] {
    /// Whether this is the name of one entry of a directory. Anything with a `/`, and `..`, could
    /// lead out of the directory or through a symlink, whatever flags go with it.
    var isName: Bool {
        switch count {
        case 0: return false
        case 1, 2:
            if allSatisfy({ $0 == UInt8(ascii: ".") }) { return false }
        default: break
        }
        for byte in self where byte == 0 || byte == UInt8(ascii: "/") { return false }
        return true
    }

    /// Hands these bytes to a system call as one name within a directory; fails with `EINVAL` for
    /// what is no name.
    @inline(__always)
    func asName<Result: FixedWidthInteger & SignedInteger>(
        _ call: (UnsafePointer<CChar>) -> Result
    ) -> Outcome {
        guard isName else { return .failure(EINVAL) }
        return unsafe terminated { pointer in settled { unsafe call(pointer) } }
    }

    /// The same for the first of two names.
    @inline(__always)
    func asName(_ next: (UnsafePointer<CChar>) -> Outcome) -> Outcome {
        guard isName else { return .failure(EINVAL) }
        return unsafe terminated(next)
    }

    /// The same for a path, which may hold `/` and lead anywhere.
    @inline(__always)
    func asPath<Result: FixedWidthInteger & SignedInteger>(
        _ call: (UnsafePointer<CChar>) -> Result
    ) -> Outcome {
        guard !contains(0) else { return .failure(EINVAL) }
        return unsafe terminated { pointer in settled { unsafe call(pointer) } }
    }

    /// The same for a path to which a name or path follows.
    @inline(__always)
    func asPath(_ next: (UnsafePointer<CChar>) -> Outcome) -> Outcome {
        guard !contains(0) else { return .failure(EINVAL) }
        return unsafe terminated(next)
    }

    @inline(__always)
    private func terminated(_ call: (UnsafePointer<CChar>) -> Outcome) -> Outcome {
        guard count < pathBytesMax else { return .failure(ENAMETOOLONG) }
        // Safe because the copy has a place for each byte and the NUL, all are written before
        // anything is read, and `call` does not let the pointer out.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
            for index in indices {
                unsafe copy.initializeElement(at: index, to: CChar(bitPattern: self[index]))
            }
            unsafe copy.initializeElement(at: count, to: 0)
            guard let start = unsafe UnsafePointer(copy.baseAddress) else {
                return .failure(EFAULT)
            }
            return unsafe call(start)
        }
    }
}

/// Lets a call fill a buffer whose size is not known beforehand: first a small one on the stack,
/// then `most` bytes. The call returns how many bytes it wrote, or fails with `ERANGE` where the
/// buffer is too small.
func gathered(
    most: Int, _ call: (UnsafeMutableRawPointer, Int) -> Outcome
) -> (bytes: [UInt8], outcome: Outcome) {
    for size in [512, most] {
        // Safe because the call is told the size of the buffer, and only bytes it says it wrote
        // are read.
        let (bytes, outcome) = unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) {
            buffer -> ([UInt8], Outcome) in
            guard let start = buffer.baseAddress else { return ([], .failure(EFAULT)) }
            let outcome = unsafe call(start, size)
            let bytes = unsafe UnsafeRawBufferPointer(start: start, count: outcome.result)
            return unsafe ([UInt8](bytes), outcome)
        }
        if outcome.code != ERANGE { return (bytes, outcome) }
    }
    return ([], .failure(ERANGE))
}

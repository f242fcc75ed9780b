// SPDX-License-Identifier: EUPL-1.2
import Ground
import Subprocess

/// What a program says, as it says it.
package actor ProgramOutput {
    private var iterator: SubprocessOutputSequence.Iterator

    init(_ sequence: SubprocessOutputSequence) { iterator = sequence.makeAsyncIterator() }

    /// The next bytes, as many as there are; nil when it has closed its output.
    package func next() async throws(Trouble) -> [UInt8]? {
        do {
            // The iterator is but a place in the pipe: a copy reads on where this one stands.
            var iterator = iterator
            let bytes = try await iterator.next(isolation: self).map(Self.array)
            self.iterator = iterator
            return bytes
        } catch { throw .pipe(error) }
    }

    private static func array(_ buffer: SubprocessOutputSequence.Buffer) -> [UInt8] {
        // Safe because the bytes are copied before the buffer goes.
        unsafe buffer.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }

    /// The end of all it says, for an error message. What cannot be read is not there.
    func tail(_ most: Int = 4096) async -> [UInt8] {
        var tail: [UInt8] = []
        do throws(Trouble) {
            while let more = try await next() { tail = Array((tail + more).suffix(most)) }
        } catch {
            // The program's own end says more.
        }
        return tail
    }
}

/// What is said to a program.
package struct ProgramInput: Sendable {
    private let writer: StandardInputWriter

    init(_ writer: StandardInputWriter) { self.writer = writer }

    package func write(_ bytes: ArraySlice<UInt8>) async throws(Trouble) {
        do { _ = try await writer.write(Array(bytes)) } catch { throw .pipe(error) }
    }
}

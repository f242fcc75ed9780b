// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Everything bad that happens to sites. Acts of a test: they are neither counted as requests nor
/// hindered by other faults.
extension MemorySite {
    /// Requests that fail, whichever verb they are of.
    package struct Failure: Sendable {
        /// Counted from 1, over the whole life of the site.
        package var requests: ClosedRange<Int>
        package var trouble: Trouble
        /// Whether the request takes effect all the same, and only its answer is lost.
        package var isDone: Bool

        package init(_ requests: ClosedRange<Int>, _ trouble: Trouble, isDone: Bool = false) {
            self.requests = requests
            self.trouble = trouble
            self.isDone = isDone
        }

        package init(_ request: Int, _ trouble: Trouble, isDone: Bool = false) {
            self.init(request...request, trouble, isDone: isDone)
        }
    }

    /// The requests that are to fail; the first failure that covers a request decides.
    package func fail(_ failures: Failure...) {
        state.withLock { $0.failures = failures }
    }

    /// What all objects together may hold, in bytes; nil for no limit.
    package func limit(to bytesMax: Int?) {
        state.withLock { $0.bytesMax = bytesMax }
    }

    package func setReadOnly(_ isReadOnly: Bool) {
        state.withLock { $0.isReadOnly = isReadOnly }
    }

    /// Every get of the object returns at most the first `count` bytes of what it should, and
    /// says nothing. The object itself and its size in listings stay whole.
    package func shortenReads(of name: ObjectName, to count: Int) {
        state.withLock { $0.readLengths[name] = count }
    }

    /// Leaves the object out of listings, as a bucket may that has not caught up.
    package func hide(_ name: ObjectName) {
        state.withLock { _ = $0.hidden.insert(name) }
    }

    /// Turns one bit of an object over.
    ///
    /// - Parameter bit: Counted from the lowest bit of byte 0; it must lie within the object.
    package func flip(_ name: ObjectName, bit: Int) {
        alter(name) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
    }

    /// Cuts an object off after `count` bytes.
    package func truncate(_ name: ObjectName, to count: Int) {
        alter(name) { $0.removeLast($0.count - count) }
    }

    /// Makes the object as if it had never been there.
    package func drop(_ name: ObjectName) {
        state.withLock { $0.versions[name] = nil }
    }

    /// Brings back what the object was before its last `steps` replacements. There must have been
    /// that many since it was created.
    package func revert(_ name: ObjectName, steps: Int = 1) {
        state.withLock { $0.versions[name]?.removeLast(steps) }
    }

    private func alter(_ name: ObjectName, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard var versions = state.versions[name], var bytes = versions.popLast() else {
                preconditionFailure("\(name) is not there to be altered")
            }
            change(&bytes)
            state.versions[name] = versions + [bytes]
        }
    }

    /// Holds on to the objects as they are once `changes` puts and removals have taken effect,
    /// counted from 1 over the whole life of the site: what is left where the power fails right
    /// then. Life goes on meanwhile; `crashed()` hands the image out.
    package func crash(afterChanges changes: Int) {
        state.withLock { state in
            state.crash = (changes, nil)
            state.keepImage()
        }
    }

    /// A new, healthy site with what survived the crash; nil where it has not come to it.
    package func crashed() -> MemorySite? {
        state.withLock { state in
            state.crash?.image.map { MemorySite(label: label, versions: $0) }
        }
    }

    /// Puts and removals that have taken effect: as many points at which to let the power fail.
    package var changes: Int { state.withLock { $0.changes } }

    /// A new, healthy site with the same objects: the past, for tests that roll a site back.
    package func copy() -> MemorySite {
        MemorySite(label: label, versions: state.withLock { $0.versions })
    }
}

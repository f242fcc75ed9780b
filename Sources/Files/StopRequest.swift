// SPDX-License-Identifier: EUPL-1.2
import CLinux

/// That this process was asked to end (SIGTERM, SIGINT, SIGHUP), for programs that run until then
/// and have something to finish.
package enum StopRequest {
    /// From now on those signals are noted instead of ending the process.
    package static func expect() { _ = clinux_note_stop_signals() }

    /// Waits for it, no longer than this many milliseconds.
    ///
    /// - Returns: whether it came, now or before.
    package static func wait(milliseconds: Int) -> Bool {
        clinux_wait_for_stop(Int32(clamping: max(milliseconds, 0))) == 1
    }

    /// From now on those signals end everything that this process does, at once, and make it run
    /// this program with other words, to which the signal's number is added. What it holds is let
    /// go: locks, and files that are open. A signal that is ignored stays so.
    package static func become(_ words: [String]) {
        for word in words {
            // Safe because the string lasts for the call, which copies it.
            let isAdded = unsafe clinux_add_stop_argument(word) == 0
            precondition(isAdded, "sixteen words are enough")
        }
        _ = clinux_become_on_stop()
    }

    /// For what a process has become: signals that come now are noted, once of each kind, and do
    /// not end it.
    package static func expectAgain() {
        expect()
        _ = clinux_unblock_stop_signals()
    }
}

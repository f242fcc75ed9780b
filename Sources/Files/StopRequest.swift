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
}

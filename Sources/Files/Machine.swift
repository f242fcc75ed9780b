// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc
import Ground

extension World {
    /// The clock and the dice of this machine.
    package static var real: World {
        World(now: { Machine.clock(CLOCK_REALTIME) }, random: { Machine.random($0) })
    }
}

/// The machine on which this runs.
package enum Machine {
    /// Processors that this process may use, at least 1.
    package static var cores: Int { max(Int(clinux_cores()), 1) }

    package static func hostName() -> String {
        // Safe because HOST_NAME_MAX of Linux is 64, and the last byte is kept from the call.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            unsafe buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress, unsafe gethostname(start, 255) == 0 else {
                return "localhost"
            }
            return unsafe String(
                decoding: UnsafeRawBufferPointer(buffer).prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The clock with which Linux stamps ctime, which lags behind the real one by up to a tick. A
    /// change after this was read is stamped with this moment or a later one, so a file whose ctime
    /// lies before it has not changed since. Not so where a server keeps the time.
    package static func fileClock() -> Moment { clock(CLOCK_REALTIME_COARSE) }

    /// Seconds since the machine began, also while it slept.
    package static func secondsSinceBoot() -> Double {
        let now = clock(CLOCK_BOOTTIME)
        return Double(now.seconds) + Double(now.nanoseconds) / 1e9
    }

    static func clock(_ id: clockid_t) -> Moment {
        var time = timespec()
        let result = unsafe clock_gettime(id, &time)
        precondition(result == 0, "Linux has had this clock since 2.6.32")
        return Moment(time)
    }

    static func random(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            // Safe because the kernel is told how many bytes are left.
            let got = unsafe bytes.withUnsafeMutableBytes { bytes in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
                return settled { unsafe clinux_getrandom(rest.baseAddress, rest.count) }
            }
            // Keys come from here: without it nothing may go on.
            precondition(got.result > 0, "the kernel gives no random bytes")
            done += got.result
        }
        return bytes
    }

    /// Takes as many open files as this process may have at most: workers in deep trees hold many
    /// directories open, and the usual limit of 1,024 is for programs that use select(2).
    package static func raiseFileLimit() {
        // Where that is refused, the usual limit does for most machines.
        _ = clinux_raise_file_limit()
    }

    /// Lets time pass on this thread, for what cannot tell that it is there.
    package static func pause(milliseconds: Int) {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var rest = timespec()
        // Where a signal interrupts it, it goes on with what is left.
        while unsafe nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
    }

    /// From now on, writing to a program that has gone is an error like any other and no end of
    /// this process. See signal(7).
    package static func surviveBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Lets freed memory stay with the process. Buffers of many megabytes would otherwise go back
    /// to the kernel each time, which clears every page again when the next one is used.
    package static func keepMemory() {
        // Where malloc does not agree things are slower, and nothing else.
        _ = clinux_keep_memory(256 << 20)
    }
}

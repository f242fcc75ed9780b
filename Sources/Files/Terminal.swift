// SPDX-License-Identifier: EUPL-1.2
import Glibc
import Ground

/// What a program run by a person needs from the system besides files: its arguments, its
/// environment, its two streams, and the terminal that they may lead to.
package enum Terminal {
    package enum Stream: Int32, Sendable {
        case output = 1
        case talk = 2
    }

    /// The arguments of this process without its name. Bytes that are not UTF-8 come as scalars
    /// of a private plane, so that every name of a file survives the way through a `String`;
    /// `bytes(of:)` gives them back.
    package static var arguments: [String] {
        var result: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            // Safe because argv has argc strings, each with its NUL, for as long as we run.
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { break }
            result.append(text(of: unsafe bytes(at: argument)))
        }
        return result
    }

    package static func environment(_ name: String) -> String? {
        // Safe because the value is copied at once, and nothing here ever changes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        return text(of: unsafe bytes(at: value))
    }

    private static func bytes(at start: UnsafePointer<CChar>) -> [UInt8] {
        // Safe because the system ends its strings with a NUL.
        unsafe Array(UnsafeRawBufferPointer(start: start, count: strlen(start)))
    }

    package static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

    /// Columns of the window to which a stream leads.
    package static func width(of stream: Stream) -> Int? {
        var size = winsize()
        // Safe because the kernel fills exactly this structure.
        let result = unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size)
        return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }

    package static func write(_ bytes: [UInt8], to stream: Stream) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            // Safe because the kernel is told how many bytes are left.
            let put = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
                return settled {
                    unsafe Glibc.write(stream.rawValue, rest.baseAddress, rest.count)
                }
            }
            done += try put.checked("write", [])
        }
    }

    /// Ends the process with a code, after everything has been written.
    package static func exit(_ code: Int32) -> Never { Glibc.exit(code) }

    /// Seconds on a clock that nobody can set, for rates and the time left.
    package static func seconds() -> Double {
        let now = Machine.clock(CLOCK_MONOTONIC)
        return Double(now.seconds) + Double(now.nanoseconds) / 1e9
    }
}

// MARK: - Arguments that are not text

extension Terminal {
    /// Byte 0x80 + n stands at the n-th of these scalars.
    private static let escapes: ClosedRange<UInt32> = 0x10fe80...0x10feff

    private static func text(of bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var offset = 0
        func escape(_ count: Int) {
            for byte in bytes[offset..<offset + count] {
                if let scalar = Unicode.Scalar(escapes.lowerBound + UInt32(byte) - 0x80) {
                    text.append(scalar)
                }
            }
            offset += count
        }
        while true {
            switch parser.parseScalar(from: &input) {
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                // A name that uses the private scalars itself must not become another name.
                if escapes.contains(scalar.value) {
                    escape(encoded.count)
                } else {
                    text.append(scalar)
                    offset += encoded.count
                }
            case .error(let length): escape(length)
            case .emptyInput: return String(text)
            }
        }
    }

    /// The bytes of an argument as they were given.
    package static func bytes(of argument: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in argument.unicodeScalars {
            if escapes.contains(scalar.value) {
                bytes.append(UInt8(scalar.value - escapes.lowerBound + 0x80))
            } else {
                bytes.append(contentsOf: Unicode.UTF8.encode(scalar) ?? .init())
            }
        }
        return bytes
    }
}

// MARK: - Passphrases

extension Terminal {
    /// Shows a prompt on the terminal of this process and reads a line without showing it.
    ///
    /// Keys are read one by one, with those that send signals switched off, so that the terminal
    /// is as it was before when this returns, also after Ctrl-C.
    ///
    /// - Returns: nil where the person gave up (Ctrl-C, or Ctrl-D on an empty line).
    /// - Throws: `SystemError` where there is no terminal.
    package static func secret(prompt: String) throws(SystemError) -> [UInt8]? {
        let terminal = try Descriptor.open(
            Array("/dev/tty".utf8), in: AT_FDCWD, O_RDWR, label: Array("/dev/tty".utf8))
        var before = termios()
        // Safe because the calls fill and read exactly this structure.
        try settled { unsafe tcgetattr(terminal.raw, &before) }.checked("tcgetattr", terminal.name)
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        try settled { unsafe tcsetattr(terminal.raw, TCSAFLUSH, &quiet) }
            .checked("tcsetattr", terminal.name)
        defer {
            _ = settled { unsafe tcsetattr(terminal.raw, TCSAFLUSH, &before) }
            show("\n", on: terminal)
        }
        show(prompt, on: terminal)
        var line: [UInt8] = []
        while true {
            guard let key = try terminal.readOn(upTo: 1).first else { return nil }
            switch key {
            case 0x0a, 0x0d: return line
            case 0x03, 0x1c: return nil
            case 0x04: if line.isEmpty { return nil }
            case 0x08, 0x7f: removeLast(of: &line)
            case 0x15: line = []
            case 0..<0x20: break
            default: line.append(key)
            }
        }
    }

    /// Shows a prompt on the terminal and reads a line, where a person sits at standard input.
    ///
    /// - Returns: nil where nobody does, or the person gave up (Ctrl-D).
    package static func line(prompt: String) -> [UInt8]? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        do throws(SystemError) {
            let terminal = try Descriptor.open(
                Array("/dev/tty".utf8), in: AT_FDCWD, O_RDWR, label: Array("/dev/tty".utf8))
            show(prompt, on: terminal)
            var line: [UInt8] = []
            var wanted = pollfd(fd: terminal.raw, events: Int16(POLLIN), revents: 0)
            // Whoever notes Ctrl-C instead of ending by it means it here as well.
            while !StopRequest.wait(milliseconds: 0) {
                // Safe because it is one descriptor, which stays open.
                guard unsafe poll(&wanted, 1, 100) > 0 else { continue }
                guard let key = try terminal.readOn(upTo: 1).first else { return nil }
                if key == 0x0a { return line }
                line.append(key)
            }
            return nil
        } catch { return nil }
    }

    /// Whether there is a terminal on which a person can be asked, or shown what no log may hold.
    package static var isThere: Bool {
        do throws(SystemError) {
            _ = try Descriptor.open(
                Array("/dev/tty".utf8), in: AT_FDCWD, O_RDWR, label: Array("/dev/tty".utf8))
            return true
        } catch { return false }
    }

    /// Shows a line on the terminal itself, wherever the streams of this process lead.
    ///
    /// - Throws: `SystemError` where there is no terminal.
    package static func showSecret(_ line: String) throws(SystemError) {
        let terminal = try Descriptor.open(
            Array("/dev/tty".utf8), in: AT_FDCWD, O_RDWR, label: Array("/dev/tty".utf8))
        show(line + "\n", on: terminal)
    }

    /// A character of UTF-8 goes as a whole.
    private static func removeLast(of line: inout [UInt8]) {
        while let last = line.popLast(), last & 0xc0 == 0x80 {}
    }

    private static func show(_ text: String, on terminal: borrowing Descriptor) {
        let bytes = Array(text.utf8)
        // Safe because the kernel is told the length. A prompt that cannot be shown is no reason
        // to stop.
        _ = settled { unsafe Glibc.write(terminal.raw, bytes, bytes.count) }
    }
}

// MARK: - Time and place

/// A moment as a clock on the wall shows it.
package struct LocalTime: Sendable {
    package let year, month, day, hour, minute, second: Int
    /// Seconds east of UTC.
    package let offset: Int

    /// In the time zone of the machine, or what `TZ` says; nil for times beyond all calendars.
    package init?(_ moment: Moment) {
        var seconds = time_t(moment.seconds)
        var parts = unsafe tm()
        // Safe because the call reads the one and fills the other, and both are ours; the name of
        // the zone, to which the second points, is not looked at.
        guard unsafe localtime_r(&seconds, &parts) != nil else { return nil }
        (year, month) = unsafe (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1)
        (day, hour) = unsafe (Int(parts.tm_mday), Int(parts.tm_hour))
        (minute, second) = unsafe (Int(parts.tm_min), Int(parts.tm_sec))
        offset = unsafe Int(parts.tm_gmtoff)
    }

    /// The moment that a clock on the wall shows; nil for a day or an hour that there is not.
    ///
    /// - Parameter offset: seconds east of UTC; nil for the time zone of the machine.
    package static func moment(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int,
        nanoseconds: UInt32, offset: Int?
    ) -> Moment? {
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        var parts = unsafe tm()
        unsafe (parts.tm_year, parts.tm_mon) = (Int32(year - 1900), Int32(month - 1))
        unsafe (parts.tm_mday, parts.tm_hour) = (Int32(day), Int32(hour))
        unsafe (parts.tm_min, parts.tm_sec, parts.tm_isdst) = (Int32(minute), Int32(second), -1)
        // Safe because both calls read and fill what is ours.
        let seconds = unsafe offset == nil ? mktime(&parts) : timegm(&parts)
        // February 31 would have become a day of March.
        guard unsafe Int(parts.tm_mday) == day else { return nil }
        return Moment(seconds: Int64(seconds - (offset ?? 0)), nanoseconds: nanoseconds)
    }
}

extension Machine {
    package static var processId: Int32 { getpid() }

    /// The processor, as the kernel names it, such as `x86_64`.
    package static func processor() -> String {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return "unknown" }
        // Safe because the kernel fills this field and ends it with a NUL.
        return unsafe withUnsafeBytes(of: &names.machine) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// An existing path without symlinks, `.` and `..`, absolute.
    package static func realPath(_ path: [UInt8]) throws(SystemError) -> [UInt8] {
        // Safe because realpath fills at most PATH_MAX bytes with its NUL.
        let (bytes, outcome) = unsafe withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: pathBytesMax
        ) { buffer -> ([UInt8], Outcome) in
            unsafe buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress else { return ([], .failure(EFAULT)) }
            let outcome = unsafe path.asPath { unsafe realpath($0, start) == nil ? -1 : 0 }
            return unsafe (
                Array(UnsafeRawBufferPointer(buffer).prefix { $0 != 0 }), outcome
            )
        }
        try outcome.checked("realpath", path)
        return bytes
    }
}

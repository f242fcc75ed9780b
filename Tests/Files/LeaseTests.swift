// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Testing

@Suite("A file under a lease")
struct LeaseTests {
    let place: Workplace
    let server: LeaseHolder

    init() throws {
        place = try Workplace()
        try place.file("file", "content")
        server = try LeaseHolder(of: place.path("file"))
    }

    @Test("is opened as soon as its holder lets go")
    func lettingGo() throws {
        var pauses = 0
        let file = try place.directory.file("file".bytes) { _ in
            pauses += 1
            if pauses == 3 { server.letGo() }
        }
        #expect(pauses == 3)
        #expect(try file.status().size == 7)
    }

    @Test("is refused after a while, with words and advice of its own")
    func holdingOn() throws {
        var waited = 0
        let failure = #expect(throws: SystemError.self) {
            _ = try place.directory.file("file".bytes) { milliseconds in
                #expect(milliseconds > 0)
                waited += milliseconds
            }
        }
        #expect(waited == Descriptor.leaseMilliseconds)
        let trouble = failure?.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        #expect(trouble?.kind == .busy)
        #expect(trouble?.message.english.contains("does not let go") == true)
        #expect(trouble?.message.german.contains("gibt sie nicht frei") == true)
        #expect(trouble?.advice?.english.contains("Samba") == true)
        server.letGo()
        #expect(try place.directory.file("file".bytes).status().size == 7)
    }
}

/// A program that holds a write lease, as Samba does for a client, until it is told to let go.
final class LeaseHolder {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    private static let script = """
        import fcntl, os, signal, sys
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        file = os.open(sys.argv[1], os.O_RDWR)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        os.write(1, b"h")
        sys.stdin.readline()
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.write(1, b"f")
        """

    init(of path: [UInt8]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c", Self.script, String(decoding: path, as: UTF8.self),
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try #require(output.fileHandleForReading.availableData == Data("h".utf8))
    }

    /// Returns when the lease is gone.
    func letGo() {
        input.fileHandleForWriting.write(Data("\n".utf8))
        #expect(output.fileHandleForReading.availableData == Data("f".utf8))
    }

    deinit {
        // Not by a signal, which a child of one of Dispatch's threads does not see.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

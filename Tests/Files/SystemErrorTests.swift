// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Testing

@Suite("Refusals of the system")
struct SystemErrorTests {
    private func error(_ code: Int32, _ path: String = "a") -> SystemError {
        SystemError(code: code, operation: "openat", path: path.bytes)
    }

    @Test("Out of space read as something else: the kind follows from the errno", arguments: [
        (ENOSPC, Trouble.Kind.full), (EDQUOT, .full), (EROFS, .readOnly), (EACCES, .denied),
        (EPERM, .denied), (ENOENT, .missing), (EEXIST, .exists), (EBUSY, .busy), (EAGAIN, .busy),
        (EIO, .system), (EMFILE, .system), (ELOOP, .system), (9999, .system),
    ])
    func kinds(code: Int32, kind: Trouble.Kind) {
        #expect(error(code).trouble(Words("Cannot read", de: "Kann nicht lesen")).kind == kind)
    }

    @Test("A message says what, to what and why, in both languages")
    func message() {
        let act = Words("Cannot write", de: "Schreiben nicht möglich:")
        let trouble = error(ENOSPC, "/b\u{1b}[1m").trouble(act)
        #expect(trouble.message.english
            == "Cannot write \"/b\\x1b[1m\": no space left on the device")
        #expect(trouble.message.german
            == "Schreiben nicht möglich: \"/b\\x1b[1m\": kein Platz mehr auf dem Datenträger")
        #expect(trouble.advice != nil)
        #expect(trouble.cause is SystemError)
        #expect(error(EDQUOT).trouble(act).message != trouble.message)
        let own = Words("Do this.", de: "Das tun.")
        #expect(error(ENOSPC).trouble(act, advice: own).advice == own)
        #expect(error(EIO, "").trouble(act).message.english == "Cannot write: I/O error")
        #expect(error(EIO).at("/x".bytes).trouble(act).message.english.contains("\"/x\""))
    }

    @Test("Every number has words, and the usual ones have German ones")
    func words() {
        for code in Int32(1)...140 { #expect(!error(code).words.english.isEmpty) }
        for code in [
            ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EBUSY, EAGAIN, ENOENT, EEXIST, ENOTDIR, EISDIR,
            ENOTEMPTY, ELOOP, ENAMETOOLONG, EINVAL, EIO, EMFILE, ENFILE, ENOMEM, ESTALE, ENOTSUP,
            EXDEV, EFBIG, EUCLEAN, ENOTCONN, ETXTBSY,
        ] {
            #expect(error(code).words.german != error(code).words.english)
        }
        #expect(error(9999).words.english.contains("9999"))
    }

    @Test("What a user may not do is said to be denied", .enabled(if: !isRoot))
    func denied() throws {
        let place = try Workplace()
        try place.file("file")
        try place.directory.setPermissions("file".bytes, 0)
        let failure = #expect(throws: SystemError.self) {
            _ = try place.directory.file("file".bytes)
        }
        #expect(failure?.code == EACCES)
        #expect(code { try place.directory.setOwner("file".bytes, user: 0, group: 0) } == EPERM)
        // Not the owner's, so the time of access cannot be spared: it opens all the same.
        _ = try Descriptor.directory("/etc".bytes).file("passwd".bytes)
    }
}

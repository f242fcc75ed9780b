// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization

/// A site in a directory on a host, reached through OpenSSH: every object is a plain file there.
///
/// A put writes to a file whose name begins with a dot, lets the server make it durable where it can
/// (`fsync@openssh.com`), and then gives it its name: by a hard link where only one may win, since
/// that fails where the name is taken.
package final class SFTPSite: Site {
    package var label: String { address.text }
    package var isFar: Bool { true }
    let address: SFTPAddress
    private let ssh: [String]
    private let token: String
    let state = Mutex(State())

    struct State {
        var connection: SFTPConnection?
        var isOpening = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var folders: Set<String> = []
        var temporary = 0
    }

    /// What every server takes in one message.
    private static let pieceBytes = 32 << 10
    /// Messages of one object under way at once.
    private static let width = 64
    static let foldersAtOnce = 32

    /// - Parameter ssh: the program, with options of its own.
    package init(_ address: SFTPAddress, ssh: [String] = ["ssh"], world: World = .real) {
        (self.address, self.ssh, token) = (address, ssh, world.random(8).hex)
    }

    deinit { state.withLock { $0.connection }?.close() }

    // MARK: Requests

    package func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        guard bytes.count <= SiteLimits.objectBytesMax else { throw .oversized(name, at: label) }
        try await again { connection throws(Trouble) in
            try await put(name, bytes, existing, connection)
        } after: { trouble throws(Trouble) in
            // The answer to the first attempt may have been lost, and not what it did.
            guard trouble.kind == .exists, try await self.get(name, in: nil)[...] == bytes else { throw trouble }
        }
    }

    private func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, _ existing: Existing, _ connection: SFTPConnection
    ) async throws(Trouble) {
        let final = path(name)
        let folder = String(final[..<(final.lastIndex(of: "/") ?? final.startIndex)])
        try await make(folder, connection)
        let number = state.withLock { state in
            state.temporary += 1
            return state.temporary
        }
        let temporary = "\(folder)/.tmp-\(token)-\(number)"
        let handle = try await opened(temporary, SFTPOpening.new, connection, name)
        do throws(Trouble) {
            try await write(bytes, to: handle, connection, name)
            if connection.knows("fsync@openssh.com") {
                try await done(SFTPKind.extended, connection, name) { $0.string("fsync@openssh.com"); $0.string(handle) }
            }
            try await done(SFTPKind.close, connection, name) { $0.string(handle) }
            try await settle(temporary, as: final, existing, connection, name)
        } catch {
            await discard(temporary, connection)
            throw error
        }
    }

    /// Gives a finished file its name.
    private func settle(
        _ temporary: String, as final: String, _ existing: Existing, _ connection: SFTPConnection, _ name: ObjectName
    ) async throws(Trouble) {
        if existing == .replace {
            guard connection.knows("posix-rename@openssh.com") else { throw .lacking(address, "posix-rename@openssh.com") }
            return try await done(SFTPKind.extended, connection, name) {
                $0.string("posix-rename@openssh.com"); $0.string(temporary); $0.string(final)
            }
        }
        guard connection.knows("hardlink@openssh.com") else { throw .lacking(address, "hardlink@openssh.com") }
        do throws(Trouble) {
            try await done(SFTPKind.extended, connection, name) {
                $0.string("hardlink@openssh.com"); $0.string(temporary); $0.string(final)
            }
        } catch {
            // Version 3 has no word for a name that is taken.
            guard try await isThere(final, connection, name) else { throw error }
            throw .existingObject(name, at: label)
        }
        await discard(temporary, connection)
    }

    private func write(
        _ bytes: ArraySlice<UInt8>, to handle: ArraySlice<UInt8>, _ connection: SFTPConnection, _ name: ObjectName
    ) async throws(Trouble) {
        let starts = Array(stride(from: 0, to: bytes.count, by: Self.pieceBytes))
        let troubles = await gathered(starts, width: Self.width) { [self] start -> Trouble? in
            let piece = bytes[(bytes.startIndex + start)..<(bytes.startIndex + min(start + Self.pieceBytes, bytes.count))]
            do throws(Trouble) {
                try await done(SFTPKind.write, connection, name) { $0.string(handle); $0.u64(UInt64(start)); $0.string(piece) }
                return nil
            } catch { return error }
        }
        if let trouble = troubles.compactMap(\.self).first { throw trouble }
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try await again { connection throws(Trouble) in try await get(name, in: range, connection) }
    }

    private func get(
        _ name: ObjectName, in range: Range<Int>?, _ connection: SFTPConnection
    ) async throws(Trouble) -> [UInt8] {
        let handle = try await opened(path(name), SFTPOpening.read, connection, name)
        let found: Result<[UInt8], Trouble>
        do throws(Trouble) { found = .success(try await read(handle, range, connection, name)) } catch { found = .failure(error) }
        try await done(SFTPKind.close, connection, name) { $0.string(handle) }
        return try found.get()
    }

    private func read(
        _ handle: ArraySlice<UInt8>, _ range: Range<Int>?, _ connection: SFTPConnection, _ name: ObjectName
    ) async throws(Trouble) -> [UInt8] {
        let answer = try await connection.ask(SFTPKind.fstat) { $0.string(handle) }
        let attributes = try attributes(answer, name)
        guard attributes.mode == nil || attributes.isFile else { throw .missingObject(name, at: label) }
        let size = Int(clamping: attributes.size ?? 0)
        let wanted = (range ?? 0..<size).clamped(to: 0..<size)
        guard wanted.count <= SiteLimits.objectBytesMax else { throw .oversized(name, at: label) }
        let starts = Array(stride(from: wanted.lowerBound, to: wanted.upperBound, by: Self.pieceBytes))
        let pieces = await gathered(starts, width: Self.width) { [self] start in
            do throws(Trouble) {
                return Result<[UInt8], Trouble>.success(
                    try await piece(handle, start..<min(start + Self.pieceBytes, wanted.upperBound), connection, name))
            } catch { return .failure(error) }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(wanted.count)
        for piece in pieces { bytes += try piece.get() }
        guard bytes.count == wanted.count else { throw .shortObject(name, at: label, wanted.lowerBound + bytes.count, of: size) }
        return bytes
    }

    /// A server may give less than it was asked for.
    private func piece(
        _ handle: ArraySlice<UInt8>, _ range: Range<Int>, _ connection: SFTPConnection, _ name: ObjectName
    ) async throws(Trouble) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < range.count {
            let start = range.lowerBound + bytes.count
            let answer = try await connection.ask(SFTPKind.read) {
                $0.string(handle); $0.u64(UInt64(start)); $0.u32(UInt32(range.upperBound - start))
            }
            guard answer.kind == SFTPKind.data else {
                let (code, trouble) = refusal(answer, name)
                if code == Self.endOfFile { break }
                throw trouble
            }
            var reader = SFTPReader(answer.body)
            let data: ArraySlice<UInt8>
            do { data = try reader.string() } catch { throw .strangeAnswer(address) }
            guard !data.isEmpty, data.count <= range.count - bytes.count else { throw .strangeAnswer(address) }
            bytes += data
        }
        return bytes
    }

    package func remove(_ name: ObjectName) async throws(Trouble) {
        try await again { connection throws(Trouble) in
            let answer = try await connection.ask(SFTPKind.remove) { $0.string(path(name)) }
            let (code, trouble) = refusal(answer, name)
            if code == Self.ok || code == Self.noSuchFile { return }
            // Of what is no file, or lies below one, there is no object.
            let found = try await connection.ask(SFTPKind.lstat) { $0.string(path(name)) }
            if found.kind == SFTPKind.attributes, try attributes(found, name).isFile { throw trouble }
            let isNone = found.kind == SFTPKind.attributes || [Self.noSuchFile, Self.failure].contains(refusal(found, name).code)
            if !isNone { throw trouble }
        }
    }

    // MARK: One request

    static let ok: UInt32 = 0
    static let endOfFile: UInt32 = 1
    static let noSuchFile: UInt32 = 2
    private static let denied: UInt32 = 3
    static let failure: UInt32 = 4

    private func path(_ name: ObjectName) -> String { "\(address.path)/\(name.text)" }

    private func opened(
        _ path: String, _ opening: UInt32, _ connection: SFTPConnection, _ name: ObjectName
    ) async throws(Trouble) -> ArraySlice<UInt8> {
        let answer = try await connection.ask(SFTPKind.open) {
            $0.string(path); $0.u32(opening)
            if opening == SFTPOpening.new { $0.u32(4); $0.u32(0o444) } else { $0.u32(0) }
        }
        guard answer.kind == SFTPKind.handle else {
            let (code, trouble) = refusal(answer, name)
            // Of a name below that of a file, servers say different things.
            if code == Self.failure, opening == SFTPOpening.read, try await !isThere(path, connection, name) {
                throw .missingObject(name, at: label)
            }
            throw trouble
        }
        return try handle(answer)
    }

    func handle(_ answer: SFTPConnection.Answer) throws(Trouble) -> ArraySlice<UInt8> {
        var reader = SFTPReader(answer.body)
        do { return try reader.string() } catch { throw .strangeAnswer(address) }
    }

    private func attributes(
        _ answer: SFTPConnection.Answer, _ name: ObjectName?
    ) throws(Trouble) -> SFTPReader.Attributes {
        guard answer.kind == SFTPKind.attributes else { throw refusal(answer, name).trouble }
        var reader = SFTPReader(answer.body)
        do { return try reader.attributes() } catch { throw .strangeAnswer(address) }
    }

    func isThere(_ path: String, _ connection: SFTPConnection, _ name: ObjectName?) async throws(Trouble) -> Bool {
        let answer = try await connection.ask(SFTPKind.lstat) { $0.string(path) }
        if answer.kind == SFTPKind.attributes { return true }
        let (code, trouble) = refusal(answer, name)
        if code == Self.noSuchFile || code == Self.failure { return false }
        throw trouble
    }

    func done(
        _ kind: UInt8, _ connection: SFTPConnection, _ name: ObjectName?, _ body: (inout SFTPWriter) -> Void
    ) async throws(Trouble) {
        let (code, trouble) = refusal(try await connection.ask(kind, body), name)
        if code != Self.ok { throw trouble }
    }

    private func discard(_ path: String, _ connection: SFTPConnection) async {
        // What stays is no object, for no name of one begins with a dot.
        do throws(Trouble) { _ = try await connection.ask(SFTPKind.remove) { $0.string(path) } } catch {}
    }

    func refusal(_ answer: SFTPConnection.Answer, _ name: ObjectName?) -> (code: UInt32, trouble: Trouble) {
        guard answer.kind == SFTPKind.status else { return (.max, .strangeAnswer(address)) }
        var reader = SFTPReader(answer.body)
        do throws(Malformed) {
            let code = try reader.u32()
            let said = reader.isAtEnd ? "" : String(decoding: try reader.string(), as: UTF8.self)
            if code == Self.noSuchFile, let name { return (code, .missingObject(name, at: label)) }
            return (code, .refusedByHost(address, name, said.isEmpty ? "status \(code)" : said, isDenied: code == Self.denied))
        } catch { return (.max, .strangeAnswer(address)) }
    }

    // MARK: The conversation

    /// Once more over a new conversation, where the old one has ended under it.
    func again<Value: Sendable>(
        _ request: (SFTPConnection) async throws(Trouble) -> Value,
        after: ((Trouble) async throws(Trouble) -> Value)? = nil
    ) async throws(Trouble) -> Value {
        let first = try await connection()
        do throws(Trouble) { return try await request(first) } catch {
            guard !first.isOpen else { throw error }
        }
        let second = try await connection()
        do throws(Trouble) { return try await request(second) } catch {
            guard let after else { throw error }
            return try await after(error)
        }
    }

    private func connection() async throws(Trouble) -> SFTPConnection {
        while true {
            let (open, isMine) = state.withLock { state -> (SFTPConnection?, Bool) in
                if let open = state.connection, open.isOpen { return (open, false) }
                defer { state.isOpening = true }
                return (nil, !state.isOpening)
            }
            if let open { return open }
            guard isMine else {
                await withCheckedContinuation { waiting in
                    let isOpening = state.withLock { state in
                        if state.isOpening { state.waiting.append(waiting) }
                        return state.isOpening
                    }
                    if !isOpening { waiting.resume() }
                }
                continue
            }
            let result: Result<SFTPConnection, Trouble>
            do throws(Trouble) { result = .success(try await SFTPConnection.open(address, ssh: ssh)) } catch { result = .failure(error) }
            let waiting = state.withLock { state in
                if case .success(let open) = result { state.connection = open }
                (state.isOpening, state.folders) = (false, [])
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
            return try result.get()
        }
    }
}

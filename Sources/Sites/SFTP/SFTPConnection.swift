// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs
import Synchronization

/// One conversation with the SFTP server of a host, through the system's own `ssh`. Any number of
/// requests are under way at once.
///
/// It runs on after whoever opened it has gone on, because a site's requests share it; it ends with
/// `close`, with `ssh`, or when the server leaves a request unanswered.
final class SFTPConnection: Sendable {
    struct Answer: Sendable {
        let kind: UInt8
        let body: ArraySlice<UInt8>
    }

    private struct State {
        var next: UInt32 = 1
        var waiting: [UInt32: (CheckedContinuation<Result<Answer, Trouble>, Never>, since: ContinuousClock.Instant)] = [:]
        var extensions: Set<String> = []
        var opening: CheckedContinuation<Result<Void, Trouble>, Never>?
        let begun = ContinuousClock.now
        var end: Trouble?
    }

    private let address: SFTPAddress
    private let state = Mutex(State())
    private let outbox: AsyncStream<[UInt8]>.Continuation

    /// OpenSSH sends no more.
    private static let packetBytesMax = 1 << 20
    private static let silence: Duration = .seconds(60)

    private init(_ address: SFTPAddress, _ outbox: AsyncStream<[UInt8]>.Continuation) {
        (self.address, self.outbox) = (address, outbox)
    }

    /// - Parameter ssh: the program, with options of its own.
    static func open(_ address: SFTPAddress, ssh: [String]) async throws(Trouble) -> SFTPConnection {
        let (packets, outbox) = AsyncStream<[UInt8]>.makeStream()
        let connection = SFTPConnection(address, outbox)
        var hello = SFTPWriter()
        hello.u32(5)
        hello.u8(SFTPKind.`init`)
        hello.u32(3)
        outbox.yield(hello.bytes)
        let program = Program(ssh + address.command, timeout: .seconds(10 * 365 * 86_400))
        let opened = await withCheckedContinuation { opening in
            connection.state.withLock { $0.opening = opening }
            Task { await connection.converse(program, packets) }
        }
        try opened.get()
        return connection
    }

    var isOpen: Bool { state.withLock { $0.end == nil } }

    func knows(_ name: String) -> Bool { state.withLock { $0.extensions.contains(name) } }

    func close() { outbox.finish() }

    // MARK: Asking

    func ask(_ kind: UInt8, _ body: (inout SFTPWriter) -> Void) async throws(Trouble) -> Answer {
        var content = SFTPWriter()
        body(&content)
        let result = await withCheckedContinuation { waiting in
            let packet: Result<[UInt8], Trouble> = state.withLock { state in
                if let end = state.end { return .failure(end) }
                state.next &+= 1
                state.waiting[state.next] = (waiting, .now)
                var packet = SFTPWriter()
                packet.u32(UInt32(content.bytes.count + 5))
                packet.u8(kind)
                packet.u32(state.next)
                return .success(packet.bytes + content.bytes)
            }
            switch packet {
            case .success(let bytes): outbox.yield(bytes)
            case .failure(let trouble): waiting.resume(returning: .failure(trouble))
            }
        }
        return try result.get()
    }

    // MARK: The conversation

    private func converse(_ program: Program, _ packets: AsyncStream<[UInt8]>) async {
        do throws(Trouble) {
            try await program.conversing { [self] input, output async throws(Trouble) in
                let failure = await withTaskGroup(of: Trouble?.self) { group in
                    group.addTask { [self] in
                        do throws(Trouble) {
                            for await packet in packets { try await input.write(packet[...]) }
                            return nil
                        } catch { return error }
                    }
                    group.addTask { [self] in
                        do throws(Trouble) {
                            try await read(output)
                            return nil
                        } catch { return error }
                    }
                    group.addTask { [self] in await watch() }
                    // Whichever ends first ends all: told to close, closed by the other side, or silence.
                    let first = await group.next() ?? nil
                    group.cancelAll()
                    return first
                }
                if let failure { throw failure }
            }
            end(.lostHost(address, nil))
        } catch { end(.lostHost(address, error)) }
    }

    private func read(_ output: ProgramOutput) async throws(Trouble) {
        var buffer: [UInt8] = []
        while let more = try await output.next() {
            buffer += more
            var start = 0
            while buffer.count - start >= 4 {
                let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
                guard (1...Self.packetBytesMax).contains(length) else { throw .strangeHost(address) }
                guard buffer.count - start - 4 >= length else { break }
                try take(Array(buffer[start + 4..<start + 4 + length]))
                start += 4 + length
            }
            if start > 0 { buffer.removeFirst(start) }
        }
    }

    private func take(_ packet: [UInt8]) throws(Trouble) {
        do throws(Malformed) {
            var reader = SFTPReader(packet[...])
            let kind = try reader.u8()
            if kind == SFTPKind.version {
                guard try reader.u32() >= 3 else { throw Malformed("an old version", at: 0) }
                var names: Set<String> = []
                while !reader.isAtEnd {
                    names.insert(String(decoding: try reader.string(), as: UTF8.self))
                    _ = try reader.string()
                }
                let opening = state.withLock { state in
                    state.extensions = names
                    defer { state.opening = nil }
                    return state.opening
                }
                opening?.resume(returning: .success(()))
                return
            }
            let id = try reader.u32()
            // An answer to nothing that was asked is no answer.
            guard let waiting = state.withLock({ $0.waiting.removeValue(forKey: id) }) else { return }
            waiting.0.resume(returning: .success(Answer(kind: kind, body: packet[5...])))
        } catch { throw .strangeHost(address) }
    }

    /// Returns when a request has waited too long.
    private func watch() async -> Trouble? {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(5)) } catch { return nil }
            let oldest = state.withLock { $0.opening == nil ? $0.waiting.values.map(\.since).min() : $0.begun }
            if let oldest, ContinuousClock.now - oldest > Self.silence { return .silentHost(address) }
        }
        return nil
    }

    private func end(_ trouble: Trouble) {
        outbox.finish()
        let (opening, waiting) = state.withLock { state in
            state.end = trouble
            defer { (state.opening, state.waiting) = (nil, [:]) }
            return (state.opening, state.waiting.values.map(\.0))
        }
        opening?.resume(returning: .failure(trouble))
        for one in waiting { one.resume(returning: .failure(trouble)) }
    }
}

extension Trouble {
    /// - Parameter cause: what ended the conversation, often with ssh's own words.
    fileprivate static func lostHost(_ address: SFTPAddress, _ cause: Trouble?) -> Trouble {
        let (english, german) = (cause.map { ": " + $0.message.english } ?? ".", cause.map { ": " + $0.message.german } ?? ".")
        return Trouble(
            .system,
            Words(
                "The conversation with \"\(address.text)\" has ended\(english)",
                de: "Die Verbindung mit „\(address.text)“ ist beendet\(german)"),
            advice: Words(
                "\"ssh \(address.user.map { $0 + "@" } ?? "")\(address.host)\" must get there without asking anything: check keys, known hosts and the line.",
                de: "„ssh \(address.user.map { $0 + "@" } ?? "")\(address.host)“ muss ohne Rückfrage hinkommen: Schlüssel, bekannte Rechner und Leitung prüfen."),
            cause: cause)
    }

    fileprivate static func silentHost(_ address: SFTPAddress) -> Trouble {
        Trouble(.system, Words("\"\(address.host)\" does not answer.", de: "„\(address.host)“ antwortet nicht."))
    }

    fileprivate static func strangeHost(_ address: SFTPAddress) -> Trouble {
        Trouble(
            .system,
            Words("\"\(address.host)\" does not speak SFTP.", de: "„\(address.host)“ spricht kein SFTP."))
    }
}

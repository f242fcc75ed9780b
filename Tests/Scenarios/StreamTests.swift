// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Programs
import Sites
import Testing
import Vault

/// Brings what it is given in pieces of any size, and fails where it is told to.
private actor Pieces: StreamSource {
    enum Step {
        case entry(StreamedEntry)
        case bytes([UInt8])
        case failure
    }

    private var steps: ArraySlice<Step>

    init(_ steps: [Step]) { self.steps = steps[...] }

    func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
        switch steps.popFirst() {
        case .entry(let entry): batch.begin(entry)
        case .bytes(let bytes): batch.append(bytes)
        case .failure: throw Trouble(.system, Words("It broke off.", de: "Es riss ab."))
        case nil: return false
        }
        return true
    }
}

@Suite("A stream")
struct StreamTests {
    let town: Town
    var keeper: Keeper

    init() async throws {
        town = try Town()
        keeper = try await Keeper.found(at: try DirectorySite.create(Array(town.vault.path.utf8)))
    }

    private static func file(_ path: String, kind: FileKind = .file) -> StreamedEntry {
        StreamedEntry(
            path.split(separator: "/").map { Array($0.utf8) }, kind: kind, permissions: 0o640,
            modified: Moment(seconds: 1_700_000_000, nanoseconds: 5))
    }

    private func pieces(_ data: Data, of count: Int) -> [Pieces.Step] {
        stride(from: 0, to: data.count, by: count).map {
            .bytes(Array(data[$0..<min($0 + count, data.count)]))
        }
    }

    @Test("Files that come in any order, in pieces of any size, are all there again")
    mutating func order() async throws {
        let large = Town.noise((70 << 20) + 4321, seed: 3)
        let relation = Town.noise((1 << 20) + 8192, seed: 4)
        var blocks = Self.file("base/5/16384")
        blocks.cutting = .inBlocks(bytes: 256 << 10)
        var steps: [Pieces.Step] = [.entry(Self.file("z/large"))] + pieces(large, of: 70_001)
        steps += [.entry(blocks)] + pieces(relation, of: 32_768)
        steps += [.entry(Self.file("base", kind: .directory)), .entry(Self.file("a/empty"))]
        steps += [.entry(Self.file("a/small")), .bytes(Array("small".utf8))]
        let captured = try await keeper.capture(Pieces(steps), as: "stream")
        #expect(captured.body.counts.files == 4 && captured.body.counts.directories == 4)
        let size = UInt64(large.count + relation.count + 5)
        #expect(captured.body.counts.bytes == size)

        try await keeper.restore(to: town.target)
        func restored(_ name: String) throws -> Data {
            try Data(contentsOf: town.target.appending(path: name))
        }
        #expect(try restored("z/large") == large)
        #expect(try restored("base/5/16384") == relation)
        #expect(try restored("a/empty").isEmpty && restored("a/small") == Data("small".utf8))
        let rescued = town.home.appending(path: "rescued")
        try Data(Town.passphrase.utf8).write(to: town.home.appending(path: "passphrase"))
        #expect(try town.rescue(to: rescued).code == 0)
        for name in ["a", "base", "z"] {
            let differences = try town.differences(
                town.target.appending(path: name), rescued.appending(path: name))
            #expect(differences == "", "\(differences)")
        }
        #expect(try await keeper.verify().findings.isEmpty)
    }

    @Test("Done means done: a source that breaks off leaves no snapshot and harms no earlier one")
    mutating func broken() async throws {
        let noise = Town.noise(9 << 20, seed: 5)
        let whole: [Pieces.Step] = [.entry(Self.file("dump"))] + pieces(noise, of: 1 << 20)
        try await keeper.capture(Pieces(whole), as: "stream")
        await #expect(throws: Trouble.self) {
            try await keeper.capture(Pieces(whole + [.failure]), as: "stream")
        }
        #expect(try await keeper.open().observed.snapshots.count == 1)
        try await keeper.restore(to: town.target)
        #expect(try Data(contentsOf: town.target.appending(path: "dump")) == noise)
    }

    @Test("An insertion in a dump, or a changed page of a relation, costs what it changes")
    mutating func changes() async throws {
        let noise = Town.noise(32 << 20, seed: 6)
        var blocks = Self.file("relation")
        blocks.cutting = .inBlocks(bytes: 256 << 10)
        func both(_ dump: Data, _ relation: Data) -> Pieces {
            Pieces(
                [.entry(Self.file("dump"))] + pieces(dump, of: 65_536) + [.entry(blocks)]
                    + pieces(relation, of: 65_536))
        }
        try await keeper.capture(both(noise, noise), as: "stream")
        var page = noise
        for index in 8192..<16_384 { page[20 << 20 | index] ^= 1 }
        let second = try await keeper.capture(both(Data("inserted".utf8) + noise, page), as: "stream")
        #expect(second.body.addedBytes < 4 << 20)
        let third = try await keeper.capture(both(Data("inserted".utf8) + noise, page), as: "stream")
        #expect(third.body.addedBytes < 1 << 20)
    }

    @Test(
        "A hostile source cannot put names into a tree that lead out of it",
        arguments: [["..", "x"], ["a", "b", "a"], ["/"], ["a", "a/b"], [""]])
    mutating func hostile(names: [String]) async throws {
        let steps = names.map { name in
            Pieces.Step.entry(
                StreamedEntry(
                    name.split(separator: "/", omittingEmptySubsequences: false).map {
                        Array($0.utf8)
                    }, permissions: 0o600, modified: Moment(seconds: 0)))
        }
        await #expect(throws: Trouble.self) {
            try await keeper.capture(Pieces(steps), as: "stream")
        }
    }

    @Test("A dump command that fails after much output leaves no snapshot")
    mutating func command() async throws {
        let bytes = Town.rounds > 10 ? 1 << 30 : 64 << 20
        let good = Program(shell: "head -c \(bytes) /dev/zero", timeout: .seconds(600))
        let captured = try await keeper.capture(good, as: "dump")
        #expect(captured.body.counts.bytes == UInt64(bytes))
        for ending in ["exit 1", "kill -9 $$"] {
            let bad = Program(
                shell: "head -c \(bytes) /dev/zero; \(ending)", timeout: .seconds(600))
            await #expect(throws: Trouble.self) { try await keeper.capture(bad, as: "dump") }
        }
        let slow = Program(shell: "echo begun; sleep 60", timeout: .milliseconds(200))
        await #expect(throws: Trouble.self) { try await keeper.capture(slow, as: "dump") }
        #expect(try await keeper.open().observed.snapshots.count == 1)
    }
}

extension Keeper {
    private func streaming(
        as dataSet: String
    ) async throws -> (capture: StreamCapture, writer: VaultWriter, cache: WriterCache) {
        let vault = try await Vault(at: site, remembering: memory)
        let writer = try VaultWriter(vault, keys: keys, world: .real)
        let draft = RecordBody(
            kind: .snapshot, begun: World.real.now(), dataSet: dataSet, host: "here", paths: [])
        let (known, _) = try await writer.knowledge(cache: cache, memory: memory)
        return (StreamCapture(writer, draft: draft), writer, known)
    }

    private mutating func keep(_ captured: Captured, _ writer: VaultWriter) throws -> Captured {
        memory.note(keys.writer, captured.head)
        try keep(captured.cache, writer.domain)
        return captured
    }

    @discardableResult
    mutating func capture(_ source: some StreamSource, as dataSet: String) async throws -> Captured {
        let (capture, writer, cache) = try await streaming(as: dataSet)
        return try keep(try await capture.commit(capture.store(source, cache: cache)), writer)
    }

    @discardableResult
    mutating func capture(_ program: Program, as dataSet: String) async throws -> Captured {
        let (capture, writer, cache) = try await streaming(as: dataSet)
        return try keep(
            try await capture.run(program, as: Array("dump".utf8), cache: cache), writer)
    }
}

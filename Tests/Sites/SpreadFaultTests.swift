// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Foundation
import Ground
import Sites
import Testing

@Suite("Several clouds over bad lines", .enabled(if: Cloud.isPossible(.seaweed)))
struct SpreadFaultTests {
    private static let objects = 8 * (ProcessInfo.processInfo.environment["ZWILLING_SOAK"].flatMap { Int($0) } ?? 5)

    private struct Object: Sendable {
        let name: ObjectName
        let bytes: [UInt8]
    }

    private static func isRight(_ name: ObjectName, _ bytes: [UInt8]) -> Bool {
        name.text.hasSuffix(Array(SHA256.hash(data: bytes)).hex)
    }

    @Test("What was told as stored is read as it was put, whatever the lines do", arguments: [1, 2])
    func faults(required: Int) async throws {
        let cloud = try Cloud.good.get()
        var lines: [FaultyLine] = []
        var members: [SpreadSite.Member] = []
        for number in 0..<3 {
            // Each of another order, so that they meet in all ways; the first two are read first.
            var faults = FaultyLine.Fault.allCases + [.none, .none]
            faults.rotate(toStartAt: number * 3)
            let line = try await FaultyLine(to: cloud.port, number == 2 ? [.none, .slow] : faults)
            lines.append(line)
            var patience = S3Patience()
            (patience.firstSeconds, patience.totalSeconds, patience.firstPauseMilliseconds) = (60, 60, 5)
            let address = try S3Address("s3+http://127.0.0.1:\(line.port)/\(Cloud.bucket)/\(UUID().uuidString.lowercased())")
            members.append(SpreadSite.Member(try S3Site(address, with: Cloud.owner, patience: patience), name: "cloud-\(number)"))
        }
        let spread = SpreadSite(members, required: required)
        spread.judge { Self.isRight($0, $1) }
        let objects = try (0..<Self.objects).map { number in
            let bytes = World.real.random(1000 + number * 700)
            return Object(name: try #require(ObjectName("packs/" + Array(SHA256.hash(data: bytes)).hex)), bytes: bytes)
        }
        let stored = await gathered(objects, width: 4) { object in
            do {
                try await spread.put(object.name, object.bytes[...], existing: .refuse)
                return true
            } catch { return false }
        }
        #expect(stored.contains(true))
        await spread.settle()
        let listed = Set(try await spread.list("packs/").map(\.name))
        for (object, isStored) in zip(objects, stored) where isStored {
            #expect(try await spread.get(object.name, in: nil) == object.bytes)
            #expect(listed.contains(object.name))
        }
        for line in lines { try await line.end() }
    }
}

extension Array {
    fileprivate mutating func rotate(toStartAt index: Int) { self = Array(self[index...] + self[..<index]) }
}

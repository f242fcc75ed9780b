// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Testing

@Suite("Machine")
struct MachineTests {
    @Test("The clock runs forwards and the dice differ")
    func world() {
        let world = World.real
        let (one, other) = (world.now(), world.now())
        #expect(one <= other)
        #expect(one.seconds > 1_700_000_000)
        for count in [0, 1, 300, 70_000] { #expect(world.random(count).count == count) }
        #expect(world.random(32) != world.random(32))
    }

    @Test("The clock of files never runs ahead of a change made after it was read")
    func fileClock() throws {
        let place = try Workplace()
        for number in 0..<200 {
            let before = Machine.fileClock()
            try place.file("file-\(number)")
            #expect(try place.directory.status("file-\(number)".bytes).changed >= before)
        }
    }

    @Test("There is a name and at least one processor")
    func facts() {
        #expect(Machine.cores >= 1)
        #expect(!Machine.hostName().isEmpty)
        Machine.keepMemory()
        #expect([UInt8](repeating: 1, count: 50_000_000).count == 50_000_000)
    }
}

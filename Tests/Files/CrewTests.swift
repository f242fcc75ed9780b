// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Synchronization
import Testing

@Suite("Crew")
struct CrewTests {
    @Test("Every job is done, on no more threads than the crew is wide")
    func width() async {
        let crew = Crew(width: 3)
        let threads = Notes()
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<500 {
                group.addTask(executorPreference: crew) {
                    threads.add(Int(bitPattern: pthread_self()))
                    return number
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 499 * 500 / 2)
        #expect((1...3).contains(Set(threads.all).count))
    }

    @Test("Two jobs that wait for each other are done at the same time")
    func blocking() async {
        let crew = Crew(width: 2)
        let one = DispatchSemaphore(value: 0)
        let other = DispatchSemaphore(value: 0)
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: crew) { one.signal(); meet(other) }
            group.addTask(executorPreference: crew) { other.signal(); meet(one) }
        }
    }

    @Test("A crew of one does jobs in the order of their arrival")
    func order() async {
        let crew = Crew(width: 1)
        let order = Notes()
        let gate = DispatchSemaphore(value: 0)
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: crew) { meet(gate) }
            for number in 0..<100 {
                group.addTask(executorPreference: crew) { order.add(number) }
            }
            gate.signal()
        }
        #expect(order.all == Array(0..<100))
    }

    @Test("A job that comes after the stop is done all the same")
    func afterStop() async {
        let crew = Crew(width: 2)
        await withTaskExecutorPreference(crew) { await Task.yield() }
        crew.stop()
        for number in 0..<20 {
            let result = await withTaskExecutorPreference(crew) {
                await Task.yield()
                return number
            }
            #expect(result == number)
        }
    }

    @Test("Crews come and go without leaving threads")
    func comeAndGo() async {
        for number in 0..<200 {
            let result = await withTaskExecutorPreference(Crew(width: 2)) {
                await Task.yield()
                return number
            }
            #expect(result == number)
        }
    }
}

/// Waits as a disk makes one wait. A function of its own, because a task must not call it.
private func meet(_ semaphore: DispatchSemaphore) { semaphore.wait() }

private final class Notes: Sendable {
    private let numbers = Mutex<[Int]>([])
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
    var all: [Int] { numbers.withLock { $0 } }
}

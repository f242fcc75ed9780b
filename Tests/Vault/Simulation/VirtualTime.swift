// SPDX-License-Identifier: EUPL-1.2

/// Time that passes only when nothing is left to do: one thread runs all tasks, in an order that a seed repeats.
final class VirtualTime: TaskExecutor, @unchecked Sendable {
    private(set) var now = 0.0
    private var jobs: [UnownedJob] = []
    private var waiting: [(time: Double, number: Int, wake: () -> Void)] = []
    private var count = 0

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }

    func after(_ seconds: Double, _ wake: @escaping () -> Void) {
        count += 1
        waiting.append((now + seconds, count, wake))
        var place = waiting.count - 1
        while place > 0, precedes(place, (place - 1) / 2) {
            waiting.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    func pass(_ seconds: Double) async {
        await withCheckedContinuation { continuation in after(seconds) { continuation.resume() } }
    }

    func begin(_ body: @escaping @Sendable () async -> Void) { Task(executorPreference: self) { await body() } }

    /// Until nothing waits any more.
    func run() {
        while true {
            var next = 0
            while next < jobs.count {
                unsafe jobs[next].runSynchronously(on: asUnownedTaskExecutor())
                next += 1
            }
            jobs.removeAll(keepingCapacity: true)
            guard let first = pop() else { return }
            now = first.time
            first.wake()
        }
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        (waiting[one].time, waiting[one].number) < (waiting[other].time, waiting[other].number)
    }

    private func pop() -> (time: Double, number: Int, wake: () -> Void)? {
        guard !waiting.isEmpty else { return nil }
        waiting.swapAt(0, waiting.count - 1)
        let first = waiting.removeLast()
        var place = 0
        while true {
            let below = [2 * place + 1, 2 * place + 2].filter { $0 < waiting.count }
            guard let least = below.min(by: precedes), precedes(least, place) else { return first }
            waiting.swapAt(place, least)
            place = least
        }
    }
}

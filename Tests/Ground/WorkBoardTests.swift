// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization
import Testing

@Suite("A work board", .timeLimit(.minutes(2)))
struct WorkBoardTests {
    private typealias Board = WorkBoard<[Int], Int>

    /// Lets `workers` do everything; gives the jobs that were done.
    private func work(
        _ board: Board, workers: Int, _ bring: @escaping @Sendable (Int) -> [Int]
    ) async -> [Int] {
        await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<workers {
                group.addTask {
                    var done: [Int] = []
                    while let job = await board.next() {
                        done.append(job)
                        // Gives the others the chance to come between.
                        if job % 7 == 0 { await Task.yield() }
                        board.done { $0 += bring(job) }
                    }
                    return done
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    @Test("gives each of 10,000 jobs to exactly one of four workers, whoever brought it")
    func jobsBringJobs() async {
        // A heap-shaped tree: job n brings 2n and 2n + 1.
        let board = Board([1]) { $0.popLast() }
        let done = await work(board, workers: 4) { job in
            [2 * job, 2 * job + 1].filter { $0 <= 10_000 }
        }
        #expect(done.sorted() == Array(1...10_000))
        #expect(await board.next() == nil)
    }

    @Test("wakes workers for each job of a chain that never has two")
    func chain() async {
        let board = Board([1]) { $0.popLast() }
        let done = await work(board, workers: 4) { $0 < 2_000 ? [$0 + 1] : [] }
        #expect(done.sorted() == Array(1...2_000))
    }

    @Test("is over at once where there is nothing to do")
    func empty() async {
        let board = Board([]) { $0.popLast() }
        #expect(await work(board, workers: 3) { _ in [] } == [])
    }

    @Test("lets a worker wait while another may still bring jobs")
    func waits() async {
        let board = Board([1]) { $0.popLast() }
        #expect(await board.next() == 1)
        async let second = board.next()
        for _ in 0..<100 { await Task.yield() }
        board.done { $0 = [2] }
        #expect(await second == 2)
        board.done()
        #expect(await board.next() == nil)
    }

    @Test("lets everybody go who waits when one gives up")
    func abandon() async {
        let board = Board([1]) { $0.popLast() }
        #expect(await board.next() == 1)
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<4 { group.addTask { await board.next() } }
            for _ in 0..<100 { await Task.yield() }
            board.abandon()
            for await job in group { #expect(job == nil) }
        }
        board.done { $0 = [2] }
        #expect(await board.next() == nil, "an abandoned board gives nothing more")
    }
}

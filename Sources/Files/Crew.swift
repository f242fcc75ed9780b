// SPDX-License-Identifier: EUPL-1.2

/// Threads for work that blocks, such as reading and synchronizing files, so that the pool on which
/// all other tasks run never waits for a disk. Used as a task's preferred executor.
///
/// Jobs start in the order in which they arrive; with a width of 1 they also end in it. Threads
/// are started when there is work for them.
package final class Crew: TaskExecutor {
    private let board: JobBoard

    package init(width: Int) { board = JobBoard(width: max(width, 1)) }

    deinit { board.stop() }

    package func enqueue(_ job: consuming ExecutorJob) {
        board.post(JobBoard.Entry(job: UnownedJob(job), crew: self))
    }

    /// Lets the threads end when no work is left. A job that arrives later is still done, by a
    /// thread of its own.
    package func stop() { board.stop() }
}

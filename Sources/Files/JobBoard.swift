// SPDX-License-Identifier: EUPL-1.2
import Glibc

/// The work that waits for a `Crew`, and its threads. The threads own the board rather than the
/// crew, which may then go away on any thread, also on one of its own.
///
/// @unchecked Sendable because everything mutable is touched only while `mutex` is held.
@safe final class JobBoard: @unchecked Sendable {
    struct Entry {
        let job: UnownedJob
        /// Keeps the executor alive until its job has run.
        let crew: Crew
    }

    private let width: Int
    // At fixed addresses, as POSIX demands: a property of a class may be moved while it is used.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let news: UnsafeMutablePointer<pthread_cond_t>

    /// Two stacks make a queue: `arrived` is turned round when `next` is empty.
    private var arrived: [Entry] = []
    private var next: [Entry] = []
    private var threads = 0
    private var idle = 0
    private var isStopping = false

    init(width: Int) {
        self.width = width
        // Safe because both are initialized here, before anybody else knows of them, and freed
        // in deinit, when nobody knows of them any more.
        unsafe mutex = .allocate(capacity: 1)
        unsafe news = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(news, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(news)
        unsafe pthread_mutex_destroy(mutex)
        unsafe news.deallocate()
        unsafe mutex.deallocate()
    }

    func post(_ entry: Entry) {
        let isManned = locked {
            arrived.append(entry)
            if idle >= arrived.count + next.count { return true }
            if threads < (isStopping ? 1 : width), startThread() { threads += 1 }
            return threads > 0
        }
        if isManned {
            unsafe pthread_cond_signal(news)
        } else {
            // Not even one thread can be had: slow is better than never.
            while let entry = locked({ take() }) { run(entry) }
        }
    }

    func stop() {
        locked { isStopping = true }
        unsafe pthread_cond_broadcast(news)
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    private func take() -> Entry? {
        if next.isEmpty { (next, arrived) = (arrived.reversed(), []) }
        return next.popLast()
    }

    private func run(_ entry: Entry) {
        // Safe because the entry keeps the executor, and each job is taken once.
        unsafe entry.job.runSynchronously(on: entry.crew.asUnownedTaskExecutor())
    }

    // MARK: - Threads

    private func startThread() -> Bool {
        var thread = pthread_t()
        let board = unsafe Unmanaged.passRetained(self)
        // Safe because the thread takes over the reference that was retained for it.
        let result = unsafe pthread_create(&thread, nil, { argument in
            if let argument = unsafe argument {
                unsafe Unmanaged<JobBoard>.fromOpaque(argument).takeRetainedValue().work()
            }
            return nil
        }, board.toOpaque())
        guard result == 0 else {
            unsafe board.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func work() {
        while let entry = locked({ awaitEntry() }) { run(entry) }
    }

    /// The next entry, or nil when the thread may end. Waiting lets go of the mutex.
    private func awaitEntry() -> Entry? {
        while true {
            if let entry = take() { return entry }
            if isStopping {
                threads -= 1
                return nil
            }
            idle += 1
            unsafe pthread_cond_wait(news, mutex)
            idle -= 1
        }
    }
}

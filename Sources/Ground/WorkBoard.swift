// SPDX-License-Identifier: EUPL-1.2
import Synchronization

/// Work that several workers do together, where doing one job may bring new ones.
///
/// Each worker asks for the `next` job until there is none, and says when it is `done`; in between
/// it holds no lock. A worker that finds nothing waits while others are still at work.
package final class WorkBoard<State: Sendable, Job: Sendable>: Sendable {
    private struct Inside {
        var state: State
        var running = 0
        var isAbandoned = false
        var version = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let inside: Mutex<Inside>
    private let take: @Sendable (inout State) -> Job?

    /// - Parameter take: removes the next job from the state; nil where there is none now.
    package init(_ state: State, take: @escaping @Sendable (inout State) -> Job?) {
        inside = Mutex(Inside(state: state))
        self.take = take
    }

    /// The next thing to do; nil when everything is done, or somebody gave up.
    package func next() async -> Job? {
        while true {
            let (job, isOver, version) = inside.withLock { inside -> (Job?, Bool, Int) in
                if inside.isAbandoned { return (nil, true, 0) }
                if let job = take(&inside.state) {
                    inside.running += 1
                    return (job, false, 0)
                }
                return (nil, inside.running == 0, inside.version)
            }
            if job != nil || isOver { return job }
            await withCheckedContinuation { waiter in
                let hasMoved = inside.withLock { inside in
                    if inside.version == version { inside.waiters.append(waiter) }
                    return inside.version != version
                }
                if hasMoved { waiter.resume() }
            }
        }
    }

    /// A job is done; `change` may bring new ones.
    package func done(_ change: (inout State) -> Void = { _ in }) {
        move { inside in
            inside.running -= 1
            change(&inside.state)
        }
    }

    /// A worker failed: the others end after what they have in hand.
    package func abandon() { move { $0.isAbandoned = true } }

    private func move(_ change: (inout Inside) -> Void) {
        let waiters = inside.withLock { inside in
            change(&inside)
            inside.version += 1
            defer { inside.waiters = [] }
            return inside.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

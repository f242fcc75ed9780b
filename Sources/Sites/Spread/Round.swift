// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// One question to several sites: their answers as they come, and a bell for whoever has waited.
final class Round<Value: Sendable>: Sendable {
    enum Event: Sendable {
        case answer(Int, Result<Value, Trouble>)
        case bell
    }

    let events: AsyncStream<Event>
    private let feed: AsyncStream<Event>.Continuation
    private let bells = Mutex<[Task<Void, Never>]>([])

    init() { (events, feed) = AsyncStream.makeStream() }

    deinit {
        feed.finish()
        for bell in bells.withLock({ $0 }) { bell.cancel() }
    }

    func next() async -> Event? {
        var iterator = events.makeAsyncIterator()
        return await iterator.next()
    }

    func ask(
        _ lane: Lane, number: Int, _ question: @escaping @Sendable (any Site) async throws(Trouble) -> Value
    ) {
        lane.ask(question) { [feed] in feed.yield(.answer(number, $0)) }
    }

    func ring(after time: Duration) {
        let bell = Task { [feed] in
            do { try await Task.sleep(for: time) } catch { return }
            feed.yield(.bell)
        }
        bells.withLock { $0.append(bell) }
    }
}

extension Round where Value == Void {
    func put(_ coming: Lane.Coming, to lane: Lane, number: Int) {
        lane.put(coming) { [feed] in feed.yield(.answer(number, $0)) }
    }
}

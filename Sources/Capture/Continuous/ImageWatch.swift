// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// Looks now and then, on a thread of its own, whether the images of an institution are still those
/// that were captured: a registry that does not answer must keep nobody waiting.
package final class ImageWatch: Sendable {
    private struct State {
        var known: CapturedImages
        var look: ImageLook?
        var lookedAt: Moment?
    }

    let images: ImageCapture
    private let now: @Sendable () -> Moment
    private let store: @Sendable (CapturedImages) throws(Trouble) -> Void
    private let state: Mutex<State>

    private static let secondsBetweenLooks: Int64 = 600

    /// - Parameters:
    ///   - known: what was captured last.
    ///   - store: remembers what was captured.
    package init(
        _ images: ImageCapture, known: CapturedImages, now: @escaping @Sendable () -> Moment,
        store: @escaping @Sendable (CapturedImages) throws(Trouble) -> Void
    ) {
        (self.images, self.now, self.store) = (images, now, store)
        state = Mutex(State(known: known))
    }

    func watch(_ pause: @Sendable (Int) -> Bool) async {
        repeat {
            let now = now()
            let due = state.withLock { state -> CapturedImages? in
                let isDue =
                    state.lookedAt.map {
                        abs(now.seconds - $0.seconds) >= Self.secondsBetweenLooks
                    } ?? true
                // What was seen last waits still to be captured.
                return isDue && state.look == nil ? state.known : nil
            }
            guard let due else { continue }
            let look = await images.look(due)
            state.withLock { state in
                state.look = look
                state.lookedAt = now
            }
        } while !pause(500)
    }

    /// What was seen and nobody has taken yet.
    func take() -> ImageLook? { state.withLock { $0.look.take() } }

    func keep(_ captured: CapturedImages) throws(Trouble) {
        state.withLock { $0.known = captured }
        try store(captured)
    }
}

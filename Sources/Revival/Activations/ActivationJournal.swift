// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization

/// The state of an activation, written after each change.
package final class ActivationJournal: Sendable {
    private let place: ActivationPlace
    private let told: @Sendable (ActivationState) -> Void
    private let held: Mutex<ActivationState>
    private let begun = Terminal.seconds()

    /// - Parameter told: hears of every change, and must not wait.
    package init(
        _ state: ActivationState, at place: ActivationPlace,
        told: @escaping @Sendable (ActivationState) -> Void = { _ in }
    ) throws(Trouble) {
        (self.place, self.told) = (place, told)
        held = Mutex(state)
        try state.write(at: place)
        told(state)
    }

    package var state: ActivationState { held.withLock { $0 } }

    func has(_ kind: ActivationState.Step.Kind, _ what: String) -> Bool { state.has(kind, what) }

    func part(_ dataSet: String) -> ActivationState.Part? { state.parts.first { $0.dataSet == dataSet } }

    package func note(
        _ kind: ActivationState.Step.Kind, _ what: String, seconds: Double = 0, bytes: UInt64 = 0
    ) throws(Trouble) {
        let step = ActivationState.Step(
            kind: kind, what: what, at: Terminal.seconds() - begun, seconds: seconds, bytes: bytes)
        try change { state in
            state.steps.removeAll { $0.kind == kind && $0.what == what }
            state.steps.append(step)
        }
    }

    package func change(_ body: (inout ActivationState) -> Void) throws(Trouble) {
        try held.withLock { state throws(Trouble) in
            body(&state)
            try state.write(at: place)
            told(state)
        }
    }
}

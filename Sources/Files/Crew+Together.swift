// SPDX-License-Identifier: EUPL-1.2

extension Crew {
    /// Runs `body` once for each of `width` workers, on threads of their own, and waits for all.
    ///
    /// - Throws: the first error of a worker, after all have ended. Whoever throws must see to it
    ///   that the others end too.
    package static func together<Failure: Error>(
        width: Int, _ body: @escaping @Sendable () async throws(Failure) -> Void
    ) async throws(Failure) {
        let crew = Crew(width: width)
        defer { crew.stop() }
        let failures = await withTaskGroup(of: Failure?.self) { group in
            for _ in 0..<width {
                group.addTask(executorPreference: crew) {
                    do throws(Failure) {
                        try await body()
                        return nil
                    } catch { return error }
                }
            }
            var failures: [Failure] = []
            for await failure in group { if let failure { failures.append(failure) } }
            return failures
        }
        if let failure = failures.first { throw failure }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Wire

@Suite("A question whether somebody takes connections")
struct ConnectionQuestionTests {
    @Test("Somebody does, and after that nobody")
    func both() async throws {
        let port = try await RawServer.serving(.isSilent) { port in
            try await ConnectionQuestion(host: "127.0.0.1", port: port).ask(within: .seconds(5))
            return port
        }
        let question = ConnectionQuestion(host: "127.0.0.1", port: port)
        let trouble = await trouble { try await question.ask(within: .seconds(5)) }
        #expect(
            trouble?.message.english
                == "127.0.0.1:\(port) takes no connection: nobody listens there.")
        #expect(trouble?.advice != nil)
    }

    @Test("A port that is none is wrong use, and one where packets vanish ends in time")
    func others() async throws {
        let wrong = ConnectionQuestion(host: "::1", port: 65_536)
        #expect(await trouble { try await wrong.ask(within: .seconds(5)) }?.kind == .wrongUse)
        // RFC 5737: an address of nobody. A network may refuse it at once, which is told too.
        let lost = ConnectionQuestion(host: "192.0.2.1", port: 80)
        #expect(await trouble { try await lost.ask(within: .milliseconds(100)) } != nil)
    }
}

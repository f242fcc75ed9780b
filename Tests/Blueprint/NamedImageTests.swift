// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Testing

@Suite("The images of a host")
struct NamedImageTests {
    private func images(_ host: String, _ text: String) throws -> [String] {
        let blueprint = try #require(read(text).blueprint, "\(read(text).findings)")
        return blueprint.institution.images(on: host).map { $0.reference + ($0.isOwed ? "" : "?") }
    }

    private static let two = """
        institution: X
        applications:
          - {id: a, image: one, data: [files]}
          - {id: b, image: two, data: [db]}
          - {id: c, image: three, stateless: true}
          - {id: d, image: one, stateless: true}
        data:
          - {id: files, kind: files, paths: [/srv], host: h1}
          - {id: db, kind: postgres, connection: host=db, host: h2, server: {image: pg}}
        """

    @Test("Those of its data sets; of what keeps none, those that it can have")
    func hosts() throws {
        #expect(try images("h1", Self.two) == ["one", "three?"])
        #expect(try images("h2", Self.two) == ["one?", "pg", "three?", "two"])
        #expect(try images("h3", Self.two) == ["one?", "three?"])
    }

    @Test("Where no host is named, all of them")
    func alone() throws {
        let text = Self.two.replacing(", host: h1", with: "").replacing(", host: h2", with: "")
        #expect(try images("any", text) == ["one", "pg", "three", "two"])
        let blueprint = try #require(read(text).blueprint)
        #expect(blueprint.institution.imageNames == ["one", "two", "three", "pg"])
    }
}

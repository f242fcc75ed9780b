// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("The command line, where others are at work or little is allowed")
struct CommandEdgeTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
    }

    @Test("A pattern that could never match is refused with its place, before anything is done")
    func malformedPatterns() throws {
        try zwilling.create()
        let file = town.home.appending(path: "patterns")
        try Data("# left out\n\n*.tmp\nlogs[\n".utf8).write(to: file)
        let typed = try zwilling("protect", town.tree.path, "--exclude", "a", "--exclude", "./b")
        #expect(typed.code == 2 && typed.errors.contains("\"./b\" is no pattern: "))
        let listed = try zwilling("protect", town.tree.path, "--exclude-file", file.path)
        #expect(listed.code == 2 && listed.errors.contains("patterns:4: \"logs[\" is no pattern"))
        let blueprint = town.home.appending(path: "institution.yaml")
        let text = """
            institution: Musterstadt
            data:
              - {id: files, kind: files, paths: [\(town.tree.path)], exclude: "logs["}
            """
        try Data(text.utf8).write(to: blueprint)
        for command in ["protect", "check"] {
            let outcome = try zwilling(command)
            #expect(outcome.code == 2, "\(command)")
            #expect((outcome.output + outcome.errors).contains("institution.yaml:3:"))
        }
        #expect(!(try zwilling("snapshots").output.contains(town.tree.path)))
        #expect(try zwilling.reading("find", "[").code == 2)
        let restored = try zwilling.reading(
            "restore", "latest", "--to", town.target.path, "--include", "[")
        #expect(restored.code == 2)
    }
}

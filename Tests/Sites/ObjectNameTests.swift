// SPDX-License-Identifier: EUPL-1.2
import Sites
import Testing

@Suite("An object name")
struct ObjectNameTests {
    @Test(
        "is refused where it could leave the site or upset it",
        arguments: [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", ".hidden", "a/.tmp-1", "a b",
            "ä", "a\0", "a\\b", "a:b", "a\nb", "a+b", "1/2/3/4/5/6/7/8/9",
            String(repeating: "x", count: 101),
        ])
    func refused(text: String) {
        #expect(ObjectName(text) == nil)
    }

    @Test("may have eight segments of a hundred characters")
    func longest() {
        let segment = String(repeating: "x", count: 100)
        let text = Array(repeating: segment, count: 8).joined(separator: "/")
        #expect(ObjectName(text)?.text == text)
    }

    @Test("is ordered by its bytes")
    func order() throws {
        let texts = ["-", ".", "/", "0", "A", "Z", "_", "a", "z"].filter { ObjectName($0) != nil }
        let names = try texts.map(name)
        #expect(names.sorted().map(\.text) == texts)
        #expect(try name("a-b") < name("a/b"))
        #expect(try name("a") < name("a/b"))
    }
}

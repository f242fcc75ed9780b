// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Programs
import Revival
import Testing

/// What a strict parser of XML finds in a drill's page.
struct ParsedPage: Decodable {
    let lang: String
    let tags: [String]
    let attributes: [String]
    let text: String
    /// Pictures that are neither described nor hidden from readers of screens.
    let unnamed: Int
    let ids: [String]
    let references: [String]
    let headings: Int
    let headingsWithoutScope: Int
    let bodies: Int

    private static let script = """
        import json, sys
        from xml.etree import ElementTree
        root = ElementTree.parse(sys.argv[1]).getroot()
        every = list(root.iter())
        heads = [e for e in every if e.tag == "th"]
        pictures = [e for e in every if e.tag == "svg"]
        inner = {id(e) for outer in pictures for e in outer.iter("svg") if e is not outer}
        print(json.dumps({
            "lang": root.get("lang"), "tags": sorted({e.tag for e in every}),
            "attributes": sorted({key for e in every for key in e.keys()}),
            "text": "\\n".join(root.itertext()),
            "unnamed": sum(
                e.get("aria-hidden") != "true" and not (e.findtext("title") and e.findtext("desc"))
                for e in pictures if id(e) not in inner),
            "ids": [e.get("id") for e in every if e.get("id")],
            "references": [r for e in every for r in e.get("aria-labelledby", "").split()],
            "headings": len(heads),
            "headingsWithoutScope": sum(e.get("scope") not in ("col", "row") for e in heads),
            "bodies": sum(e.tag == "tbody" for e in every)}))
        """

    /// None of which fetches or runs anything.
    private static let knownTags: Set = [
        "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
        "div", "p", "span", "bdi", "code", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd",
        "table", "thead", "tbody", "tr", "th", "td", "svg", "desc", "rect", "line", "circle",
        "path", "text",
    ]
    private static let knownAttributes: Set = [
        "lang", "{http://www.w3.org/XML/1998/namespace}lang", "charset", "name", "content",
        "http-equiv", "class", "id", "scope", "colspan", "role", "aria-labelledby", "aria-hidden",
        "viewBox", "preserveAspectRatio", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx",
        "d", "width", "height",
    ]

    /// Holds what must be so of every page.
    static func of(_ bytes: [UInt8], german: Bool) async throws -> ParsedPage {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "zwilling-page-\(UUID().uuidString).html")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let program = Program(["python3", "-c", script, file.path], timeout: .seconds(60))
        let page = try JSONDecoder().decode(
            ParsedPage.self, from: Data(try await program.output(upTo: 1 << 24)))
        #expect(bytes.starts(with: Array("<!DOCTYPE html>\n".utf8)))
        #expect(page.lang == (german ? "de" : "en"))
        #expect(Set(page.tags).isSubset(of: knownTags), "\(page.tags)")
        #expect(Set(page.attributes).isSubset(of: knownAttributes), "\(page.attributes)")
        #expect(page.unnamed == 0)
        #expect(page.headingsWithoutScope == 0)
        #expect(Set(page.ids).count == page.ids.count)
        #expect(Set(page.references).isSubset(of: page.ids))
        return page
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Capture
import Testing

@Suite("Cache directories") struct CacheDirectoryTests {
    @Test("A cache directory is known by the first 43 bytes of its tag")
    func cacheDirectory() {
        let signature = "Signature: 8a477f597d28d172789f06886806bc55"
        #expect(signature.utf8.count == 43)
        #expect(cachedirTagName == Array("CACHEDIR.TAG".utf8))
        #expect(isCacheDirectoryTag(Array(signature.utf8)))
        #expect(isCacheDirectoryTag(Array("\(signature)\n# made by a test\n".utf8)))
        #expect(!isCacheDirectoryTag(signature.utf8.dropLast()))
        #expect(!isCacheDirectoryTag(Array(signature.uppercased().utf8)))
        #expect(!isCacheDirectoryTag([]))
    }
}

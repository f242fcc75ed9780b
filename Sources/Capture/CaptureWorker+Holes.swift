// SPDX-License-Identifier: EUPL-1.2
import Files
import Vault

extension CaptureWorker {
    /// Where the data lies; nil where there is no hole after all.
    static func regions(
        of file: borrowing Descriptor, size: Int64
    ) throws(SystemError) -> [Content.Region]? {
        var regions: [Content.Region] = []
        var end: Int64 = 0
        while end < size, let data = try file.nextData(from: end), data < size {
            let hole = min(size, try file.nextHole(from: data))
            regions.append(Content.Region(gap: UInt64(data - end), length: UInt64(hole - data)))
            end = hole
        }
        let whole = regions.count == 1 && regions[0].gap == 0 && end == size
        return whole ? nil : regions
    }

    static func extents(_ regions: [Content.Region]) -> [Range<Int64>] {
        var end: Int64 = 0
        return regions.map { region in
            let start = end + Int64(region.gap)
            end = start + Int64(region.length)
            return start..<end
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A site that could not even be opened: whatever it is asked, it says why.
package struct ClosedSite: Site {
    package let label: String
    private let trouble: Trouble

    package init(_ label: String, _ trouble: Trouble) { (self.label, self.trouble) = (label, trouble) }

    package func put(_: ObjectName, _: ArraySlice<UInt8>, existing _: Existing) async throws(Trouble) { throw trouble }
    package func get(_: ObjectName, in _: Range<Int>?) async throws(Trouble) -> [UInt8] { throw trouble }
    package func list(_: String) async throws(Trouble) -> [ObjectEntry] { throw trouble }
    package func remove(_: ObjectName) async throws(Trouble) { throw trouble }
}

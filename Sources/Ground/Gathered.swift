// SPDX-License-Identifier: EUPL-1.2

/// What `body` makes of each item, in their order. Several are under way at once, so that a site that
/// is far away is waited for once and not for each object.
package func gathered<Item: Sendable, Made: Sendable>(
    _ items: [Item], width: Int = 16, _ body: @escaping @Sendable (Item) async -> Made
) async -> [Made] {
    await withTaskGroup(of: (Int, Made).self) { group in
        var made = [Made?](repeating: nil, count: items.count)
        for (index, item) in items.enumerated() {
            if index >= width, let (done, result) = await group.next() { made[done] = result }
            group.addTask { (index, await body(item)) }
        }
        for await (done, result) in group { made[done] = result }
        return made.compactMap(\.self)
    }
}

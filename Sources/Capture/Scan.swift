// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// A walk over what is to be protected, in tree order, whose directories may be scanned by several
/// workers: a value that knows what is scanned, what waits, and what comes next.
struct Scan {
    /// A directory that waits for its scan.
    struct Pending: Sendable {
        let node: Int
        let path: TreePath
        /// Where the patterns begin: how many components lead to the protected path.
        let rootDepth: Int
        /// Where the protected path lies, for those who stay there.
        let device: UInt64
    }

    struct Entry: Sendable {
        let name: [UInt8]
        let status: FileStatus
        /// Whether its inside belongs to what is protected.
        let isEntered: Bool
        /// Scanned already: a directory that only leads to a protected one.
        var inside: [Entry]?
    }

    /// An entry in its place.
    struct Item: Sendable {
        let directory: TreePath
        let name: [UInt8]
        let status: FileStatus
        /// Only there to lead to a protected path.
        let isLeading: Bool
    }

    private struct Node {
        var path: TreePath
        /// nil until scanned.
        var entries: [Entry]?
        /// Nodes of the directories among the entries.
        var inside: [Int: Int] = [:]
        var next = 0
    }

    private var nodes: [Int: Node] = [:]
    private var made = 0
    /// Sorted by tree order, the first one last.
    private var pending: [Pending] = []
    /// From the root to the directory whose entries come next.
    private var cursor: [Int] = []
    /// Entries scanned and not yet emitted.
    private(set) var waiting = 0

    /// - Parameter top: the entries of `/` that lead to what is protected.
    init(top: [Entry]) {
        let root = makeNode(at: [])
        store(root, top, below: nil)
        cursor = [root]
    }

    /// For all there is: `/` itself, which has no name to stand under.
    init(wholeOf device: UInt64) {
        let root = makeNode(at: [])
        pending = [Pending(node: root, path: [], rootDepth: 0, device: device)]
        cursor = [root]
    }

    var isFinished: Bool { cursor.isEmpty }

    mutating func take() -> Pending? { pending.popLast() }

    mutating func store(_ scanned: Pending, _ entries: [Entry]) {
        store(scanned.node, entries, below: scanned)
    }

    /// - Parameter above: nil where the directory only leads to a protected path.
    private mutating func store(_ node: Int, _ entries: [Entry], below above: Pending?) {
        guard let path = nodes[node]?.path else { return }
        waiting += entries.count
        var inside: [Int: Int] = [:]
        var found: [Pending] = []
        for (index, entry) in entries.enumerated() where entry.status.kind == .directory {
            let child = makeNode(at: path + [entry.name])
            inside[index] = child
            if let known = entry.inside {
                store(child, known, below: nil)
            } else if entry.isEntered {
                found.append(
                    Pending(
                        node: child, path: path + [entry.name],
                        rootDepth: above?.rootDepth ?? path.count + 1,
                        device: above?.device ?? entry.status.device))
            } else {
                nodes[child]?.entries = []
            }
        }
        nodes[node]?.entries = entries
        nodes[node]?.inside = inside
        insert(found)
    }

    /// Children stand together, since nothing can come between them in tree order but what is
    /// inside them.
    private mutating func insert(_ found: [Pending]) {
        guard let first = found.first else { return }
        var low = 0
        var high = pending.count
        while low < high {
            let middle = (low + high) / 2
            if treePrecedes(first.path, pending[middle].path) { low = middle + 1 } else { high = middle }
        }
        pending.insert(contentsOf: found.reversed(), at: low)
    }

    private mutating func makeNode(at path: TreePath) -> Int {
        made += 1
        nodes[made] = Node(path: path)
        return made
    }

    /// The next entry in tree order; nil while its directory waits for a scan, and at the end.
    mutating func emit() -> Item? {
        while let current = cursor.last, let node = nodes[current] {
            guard let entries = node.entries else { return nil }
            guard node.next < entries.count else {
                nodes[current] = nil
                cursor.removeLast()
                continue
            }
            let entry = entries[node.next]
            nodes[current]?.next += 1
            waiting -= 1
            if let inside = node.inside[node.next] { cursor.append(inside) }
            return Item(
                directory: node.path, name: entry.name, status: entry.status,
                isLeading: entry.inside != nil)
        }
        return nil
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A place that keeps the objects of a vault: a directory, a bucket, a host, or several of them.
///
/// A site is never believed. Whatever it hands out is checked against a name, a signature or an
/// authentication tag by whoever asked for it, so a site needs to be durable but not honest.
/// Every implementation must pass the conformance suite in `Tests/Sites`.
public protocol Site: Sendable {
    /// What people call it, for messages: the path of a directory, or a URL.
    var label: String { get }

    /// Stores an object. When this returns, the object survives a loss of power; when it throws,
    /// the object is either wholly there or not at all.
    ///
    /// - Throws: `Trouble` of kind `.exists` where `existing` is `.refuse` and the name is taken,
    ///   `.full`, `.readOnly`, `.denied` or `.system`.
    func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing
    ) async throws(Trouble)

    /// The same, refusing a name that is taken, for what must never exist twice: where there are several
    /// sites, only one of them decides.
    func putDecided(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble)

    /// The bytes of an object, or those of `range` that exist (a range that reaches past the end
    /// is clipped).
    ///
    /// - Throws: `Trouble` of kind `.missing`, `.damaged` where the site cannot hand out what it
    ///   says it has, `.denied` or `.system`.
    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8]

    /// The same; where several copies can be had, one that `accepting` takes. It is asked last of
    /// the bytes that are handed out, or refuses all there are.
    func get(
        _ name: ObjectName, in range: Range<Int>?, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8]

    /// What can be asked for instead of what `get` hands out, because another has taken its place or
    /// somebody deleted it: the oldest first, which came before any thief.
    func versions(of name: ObjectName) async throws(Trouble) -> [String]

    func get(_ name: ObjectName, in range: Range<Int>?, version: String) async throws(Trouble) -> [UInt8]

    /// The copies that can be had now, where there are several sites: two may have won a name while these did
    /// not see each other. Else none.
    func copies(of name: ObjectName, upTo max: Int) async throws(Trouble) -> [[UInt8]]

    /// Every object whose name begins with `prefix`, ordered by name. What a listing does not show
    /// is never proof that it does not exist.
    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry]

    /// What `putDecided` has put, by the site that decides, or not at all.
    func listDecided(_ prefix: String) async throws(Trouble) -> [ObjectEntry]

    /// Those of a listing that lie at as many places as they must.
    func listStored(_ prefix: String) async throws(Trouble) -> [ObjectEntry]

    /// Removes an object; one that is not there is no error.
    func remove(_ name: ObjectName) async throws(Trouble)

    /// Takes an object away for good, in every version, where `remove` may only hide it.
    ///
    /// - Throws: `.denied` where a lock or a missing right keeps it; then it stays as it was.
    func erase(_ name: ObjectName) async throws(Trouble)

    /// Whether each request costs time or money, so that fewer and larger ones are better.
    var isFar: Bool { get }

    /// Returns when what was put lies wherever it will lie for now.
    func settle() async
}

extension Site {
    public func get(
        _ name: ObjectName, in range: Range<Int>?, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8] {
        let newest: Result<[UInt8], Trouble>
        do throws(Trouble) {
            let bytes = try await get(name, in: range)
            guard !accepting(bytes) else { return bytes }
            newest = .success(bytes)
        } catch {
            // What cannot be read may have been put in front, too.
            guard error.kind != .system else { throw error }
            newest = .failure(error)
        }
        for version in try await versions(of: name) {
            do throws(Trouble) {
                let bytes = try await get(name, in: range, version: version)
                if accepting(bytes) { return bytes }
            } catch { continue }
        }
        return try newest.get()
    }

    public func putDecided(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) {
        try await put(name, bytes, existing: .refuse)
    }

    public func erase(_ name: ObjectName) async throws(Trouble) { try await remove(name) }

    public func listDecided(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await list(prefix) }

    public func copies(of name: ObjectName, upTo max: Int) async throws(Trouble) -> [[UInt8]] { [] }

    public func versions(of name: ObjectName) async throws(Trouble) -> [String] { [] }

    public func get(_ name: ObjectName, in range: Range<Int>?, version: String) async throws(Trouble) -> [UInt8] {
        throw .missingObject(name, at: label)
    }

    public func listStored(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await list(prefix) }

    public var isFar: Bool { false }

    public func settle() async {}
}

/// What a put does where the name is taken already.
public enum Existing: Sendable {
    /// Exactly one of several writers wins; the others get `.exists`.
    case refuse
    /// The new object takes the place of the old one, at once and wholly.
    case replace
}

/// One line of a listing.
public struct ObjectEntry: Hashable, Sendable {
    public let name: ObjectName
    /// Bytes.
    public let size: Int

    public init(name: ObjectName, size: Int) {
        self.name = name
        self.size = size
    }
}

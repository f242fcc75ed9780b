// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc

/// An extended attribute, which is also the guise of POSIX ACLs (`system.posix_acl_access`) and
/// of capabilities (`security.capability`). See xattr(7).
package struct Attribute: Hashable, Sendable {
    /// With its namespace, such as `user.comment`.
    package var name: [UInt8]
    package var value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

// Safe because every name that goes to the kernel ends with NUL and stays for the call, and the
// kernel is told the size of every buffer.
extension Descriptor {
    /// Sorted by name; one that vanishes meanwhile is left out, and a file system that has no
    /// attributes has none.
    package func attributes() throws(SystemError) -> [Attribute] {
        let list = unsafe gathered(most: 65_536) { buffer, size in
            settled { unsafe flistxattr(raw, buffer.assumingMemoryBound(to: CChar.self), size) }
        }
        return try Self.attributes(list, name) { attribute in
            unsafe gathered(most: 65_536) { buffer, size in
                unsafe attribute.asPath { unsafe fgetxattr(raw, $0, buffer, size) }
            }
        }
    }

    /// Of a symlink: its own.
    package func attributes(of name: [UInt8]) throws(SystemError) -> [Attribute] {
        let path = try processPath(of: name)
        let list = unsafe gathered(most: 65_536) { buffer, size in
            unsafe path.asPath {
                unsafe llistxattr($0, buffer.assumingMemoryBound(to: CChar.self), size)
            }
        }
        return try Self.attributes(list, name) { attribute in
            unsafe gathered(most: 65_536) { buffer, size in
                unsafe path.asPath { path in
                    unsafe attribute.asPath { unsafe lgetxattr(path, $0, buffer, size) }
                }
            }
        }
    }

    private static func attributes(
        _ list: (bytes: [UInt8], outcome: Outcome), _ file: [UInt8],
        value: ([UInt8]) -> (bytes: [UInt8], outcome: Outcome)
    ) throws(SystemError) -> [Attribute] {
        if list.outcome.code == ENOTSUP { return [] }
        if try list.outcome.checked("listxattr", file) == 0 { return [] }
        var attributes: [Attribute] = []
        for name in list.bytes.split(separator: 0).map(Array.init) {
            let (bytes, outcome) = value(name)
            // ENOTSUP: NFS lists attributes that it does not hand out.
            if outcome.code == ENODATA || outcome.code == ENOTSUP { continue }
            try outcome.checked("getxattr", file)
            attributes.append(Attribute(name: name, value: bytes))
        }
        return attributes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }
}

extension Descriptor {
    /// Of a symlink: its own.
    package func setAttribute(_ name: [UInt8], _ attribute: Attribute) throws(SystemError) {
        let path = try processPath(of: name)
        let result = unsafe path.asPath { path in
            unsafe attribute.name.asPath {
                unsafe lsetxattr(path, $0, attribute.value, attribute.value.count, 0)
            }
        }
        try result.checked("lsetxattr", name)
    }

    package func setAttribute(_ attribute: Attribute) throws(SystemError) {
        let result = unsafe attribute.name.asPath {
            unsafe fsetxattr(raw, $0, attribute.value, attribute.value.count, 0)
        }
        try result.checked("fsetxattr", name)
    }

    private func processPath(of name: [UInt8]) throws(SystemError) -> [UInt8] {
        guard name.isName else {
            throw SystemError(code: EINVAL, operation: "xattr", path: name)
        }
        return processPath + [UInt8(ascii: "/")] + name
    }
}

// SPDX-License-Identifier: EUPL-1.2

/// A container image from which something of the institution is started.
package struct NamedImage: Hashable, Sendable {
    /// As the blueprint writes it.
    package let reference: String
    /// Whether the host in question must have it; else another one may.
    package let isOwed: Bool
}

extension Institution {
    /// The images that a host captures, each once, by name: those of its data sets' applications and
    /// servers. What keeps no data runs on a host that nobody has named: every host captures it that
    /// can, and one that is alone must.
    package func images(on host: String) -> [NamedImage] {
        let here = Set(data.filter { $0.isOn(host) }.map(\.id.value))
        let isAlone = here.count == data.count
        var owed: [String: Bool] = [:]
        func add(_ image: Written<String>?, isOwed: Bool) {
            if let image { owed[image.value] = owed[image.value] ?? false || isOwed }
        }
        for application in applications {
            if application.data.isEmpty {
                add(application.image, isOwed: isAlone)
            } else if application.data.contains(where: { here.contains($0.value) }) {
                add(application.image, isOwed: true)
            }
        }
        for one in data where here.contains(one.id.value) {
            if case .postgres(let postgres) = one.source {
                add(postgres.server?.image, isOwed: true)
            }
        }
        return owed.sorted { $0.key < $1.key }.map { NamedImage(reference: $0.key, isOwed: $0.value) }
    }
    /// Each that is named, wherever.
    package var imageNames: Set<String> {
        var names = Set(applications.compactMap(\.image?.value))
        for case .postgres(let postgres) in data.map(\.source) {
            if let image = postgres.server?.image { names.insert(image.value) }
        }
        return names
    }
}

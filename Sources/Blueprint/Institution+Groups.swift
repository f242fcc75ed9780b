// SPDX-License-Identifier: EUPL-1.2

/// Data sets that are captured one right after the other, so that no row points at a file that the
/// twin does not have: those of one application.
package struct ConsistencyGroup: Hashable, Sendable {
    /// nil for data sets that no application uses.
    package let application: Application?
    package let data: [DataSet]

    /// The same without whoever would have to hold still.
    package var unheld: ConsistencyGroup { ConsistencyGroup(application: nil, data: data) }

    /// The same with only these of its data sets; nil where it has none of them.
    package func keeping(_ ids: [String]) -> ConsistencyGroup? {
        let kept = data.filter { ids.contains($0.id.value) }
        return kept.isEmpty ? nil : ConsistencyGroup(application: application, data: kept)
    }
}

extension Institution {
    /// What is to be captured on a host, in order. A data set of several applications is captured
    /// with the first of them.
    package func groups(on host: String) -> [ConsistencyGroup] {
        grouped(data.filter { $0.isOn(host) })
    }

    /// The same for all hosts together.
    package var allGroups: [ConsistencyGroup] { grouped(data) }

    private func grouped(_ all: [DataSet]) -> [ConsistencyGroup] {
        var left = all
        var groups: [ConsistencyGroup] = []
        for application in applications {
            let own = application.data.compactMap { name in
                left.first { $0.id.value == name.value }
            }
            guard !own.isEmpty else { continue }
            left.removeAll { own.contains($0) }
            groups.append(ConsistencyGroup(application: application, data: own))
        }
        return groups + left.map { ConsistencyGroup(application: nil, data: [$0]) }
    }
}

extension DataSet {
    /// Whether it lies on the host of that name; with or without its domain. One without a host
    /// lies wherever the blueprint is.
    func isOn(_ name: String) -> Bool {
        host.map { Self.isSameHost($0.value, name) } ?? true
    }

    /// With or without its domain.
    package static func isSameHost(_ host: String, _ name: String) -> Bool {
        func short(_ name: String) -> Substring { name.lowercased().prefix { $0 != "." } }
        return host.lowercased() == name.lowercased() || short(host) == short(name)[...]
            && (!host.contains(".") || !name.contains("."))
    }
}

// SPDX-License-Identifier: EUPL-1.2
import FoundationEssentials
import Ground
import Synchronization

/// Until when nobody can take a version of an object away ("Locking objects with Object Lock", Amazon S3
/// User Guide).
package struct SiteLock: Hashable, Sendable {
    package enum Mode: String, Sendable {
        /// Who has the right to may still delete.
        case governance = "GOVERNANCE"
        /// Nobody may, not even who owns the account.
        case compliance = "COMPLIANCE"
    }

    package let mode: Mode
    /// Seconds since 1970.
    package let until: Int64

    package init(mode: Mode, until: Int64) { (self.mode, self.until) = (mode, until) }
}

/// What was done for the locks of a site.
package struct LockRenewal: Sendable {
    /// Versions that had to be looked at.
    package var versions = 0
    package var extended = 0
    /// Those that are not locked for as long as they must, with the reason.
    package var failures: [(object: ObjectName, trouble: Trouble)] = []
    /// When the first lock of all ends now, in seconds since 1970; nil where there is none.
    package var firstEnd: Int64?
}

extension S3Site {
    /// What the bucket does by itself with each object that it gets; nil where it locks none.
    ///
    /// - Returns: days may be those of years, of 365 each.
    package func lockRule() async throws(Trouble) -> (mode: SiteLock.Mode, days: Int)? {
        let answer = try await client.send(S3Client.Request(query: [("object-lock", "")]))
        if answer.status == 404, S3Text.first("Code", in: answer.body) != "NoSuchBucket" { return nil }
        // Clouds without locks say so in several ways.
        if [400, 405, 501].contains(answer.status) { return nil }
        guard answer.status == 200 else { throw refusal(answer, nil) }
        guard let mode = S3Text.first("Mode", in: answer.body).flatMap(SiteLock.Mode.init) else { return nil }
        let days = S3Text.first("Days", in: answer.body).flatMap { Int($0) }
        let years = S3Text.first("Years", in: answer.body).flatMap { Int($0) }
        guard let count = days ?? years.map({ $0 * 365 }), (1...36_500).contains(count) else { return nil }
        return (mode, count)
    }

    /// nil where it has none, or nobody may know.
    package func lock(of name: ObjectName, version: String? = nil) async throws(Trouble) -> SiteLock? {
        var request = S3Client.Request(method: .HEAD, name: name)
        if let version { request.query = [("versionId", version)] }
        let answer = try await client.send(request)
        guard answer.status == 200 else { throw refusal(answer, name) }
        guard let mode = answer.headers.first(name: "x-amz-object-lock-mode").flatMap(SiteLock.Mode.init),
            let until = answer.headers.first(name: "x-amz-object-lock-retain-until-date").flatMap(Self.seconds)
        else { return nil }
        return SiteLock(mode: mode, until: until)
    }

    /// Makes sure that everything the vault still needs stays locked for long enough: of every object each
    /// version, since a thief can put another in front of the right one. A lock is never shortened,
    /// and never goes beyond `days` from `now`, so that no mistake binds anybody for longer.
    ///
    /// What is locked for two thirds of the time is left: each object is renewed three times in it.
    ///
    /// - Parameters:
    ///   - mode: for what has no lock yet.
    ///   - spared: what may go once its lock has ended.
    package func renewLocks(
        days: Int, mode: SiteLock.Mode, now: Moment, sparing spared: Set<ObjectName> = [], width: Int = 16,
        report: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws(Trouble) -> LockRenewal {
        let wanted = now.seconds + Int64(days) * 86_400
        let enough = now.seconds + Int64(days) * 86_400 * 2 / 3
        let all = try await keptVersions().all.filter { !spared.contains($0.name) }
        let done = Mutex(0)
        let results = await gathered(all, width: width) { version in
            defer {
                let count = done.withLock { count in
                    count += 1
                    return count
                }
                report(count, all.count)
            }
            do throws(Trouble) {
                let old = try await self.lock(of: version.name, version: version.id)
                if let old, old.until >= enough { return Result<(until: Int64, isNew: Bool), Trouble>.success((old.until, false)) }
                try await self.extend(version, SiteLock(mode: old?.mode ?? mode, until: wanted))
                return .success((wanted, true))
            } catch { return .failure(error) }
        }
        var renewal = LockRenewal(versions: all.count)
        for (version, result) in zip(all, results) {
            switch result {
            case .success(let (until, isNew)):
                renewal.extended += isNew ? 1 : 0
                renewal.firstEnd = min(renewal.firstEnd ?? until, until)
            case .failure(let trouble):
                // It was taken away meanwhile.
                if trouble.kind != .missing { renewal.failures.append((version.name, trouble)) }
            }
        }
        return renewal
    }

    private func extend(_ version: Version, _ lock: SiteLock) async throws(Trouble) {
        let body =
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>\(lock.mode.rawValue)</Mode><RetainUntilDate>\(Self.time(lock.until))</RetainUntilDate></Retention>"
        let answer = try await client.send(
            S3Client.Request(
                method: .PUT, name: version.name, query: [("retention", ""), ("versionId", version.id)], body: Array(body.utf8)[...]))
        guard (200..<300).contains(answer.status) else { throw refusal(answer, version.name) }
    }

    /// Whether the version that lies there now stays, whoever tries to take it away.
    func resists(_ name: ObjectName) async throws(Trouble) -> Bool {
        guard let version = try await versions(name.text).all.first(where: { $0.name == name }) else { return false }
        let answer = try await client.send(S3Client.Request(method: .DELETE, name: name, query: [("versionId", version.id)]))
        let left = try await versions(name.text).all
        return answer.status >= 400 && left.contains { $0.name == name && $0.id == version.id }
    }

    private static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    /// Parts of a second are left out.
    private static func seconds(_ text: String) -> Int64? {
        guard text.utf8.count >= 20, text.hasSuffix("Z") else { return nil }
        do { return Int64(try Date(text.prefix(19) + "Z", strategy: .iso8601).timeIntervalSince1970) } catch { return nil }
    }
}

// SPDX-License-Identifier: EUPL-1.2

/// How long a spread waits for one of its sites before it asks, or counts on, another.
package struct SpreadPatience: Sendable {
    /// For the first bytes of a copy, before another copy is asked for as well.
    package var copy: Duration = .seconds(2)
    /// For the slower listings, once enough of them are there to show what is newest.
    package var listing: Duration = .seconds(5)
    /// For listings that are needed to show what is newest.
    package var freshness: Duration = .seconds(15)
    /// For the slower sites, once a record lies at as many as it must.
    package var record: Duration = .seconds(1)
    /// For the site that decides who wins a name, before the next one decides.
    package var decision: Duration = .seconds(30)
    /// For any copy of an object at all.
    package var answer: Duration = .seconds(120)
    /// For a put at a site that is needed, and for whatever compares the sites.
    package var put: Duration = .seconds(900)
    /// For the slower sites at the end of a run.
    package var end: Duration = .seconds(20)
    /// For a site that gets at the end of a run what was kept for it; the rest goes there later.
    package var spool: Duration = .seconds(2)
    /// How long a site that failed is not asked where others will do; longer each time, up to
    /// sixteen times that.
    package var rest: Duration = .seconds(20)

    package init() {}
}

/// What of a put is under way and may stay so while the required number is durable, in bytes for
/// each site; more goes into the spool.
enum SpreadLimits {
    static let backlogBytesMax = 64 << 20
    static let spoolBytesMax = 16 << 30
    /// Threads for a site whose calls block.
    static let threads = 8
}

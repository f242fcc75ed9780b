// SPDX-License-Identifier: EUPL-1.2
import AsyncHTTPClient
import Crypto
import Files
import FoundationEssentials
import Ground
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// How long a cloud is waited for.
package struct S3Patience: Sendable {
    /// For a connection.
    package var connectMilliseconds: Int64 = 10_000
    /// In which nothing comes or goes.
    package var silenceMilliseconds: Int64 = 60_000
    /// For one request, with all its attempts, beside what its bytes may take.
    package var totalSeconds = 180.0
    /// The same while nothing has ever answered: an address that is wrong, more likely than not.
    package var firstSeconds = 10.0
    /// What the slowest line still carries in a second.
    package var bytesASecond = 50_000.0
    package var firstPauseMilliseconds = 100.0
    package var pauseMillisecondsMax = 10_000.0

    package init() {}
}

/// Signed requests to one bucket. Those that fail on the way or because the cloud is busy are repeated,
/// with pauses that grow and are drawn by lot, so that many machines do not come back at once.
final class S3Client: Sendable {
    let address: S3Address
    private let credentials: S3Credentials
    private let patience: S3Patience
    private let world: World
    private let client: HTTPClient
    private let health = Mutex(Health())

    private struct Health {
        var hasAnswered = false
        /// When patience ended last. Whoever asks soon after has none, so that a cloud which is gone
        /// costs it once and not for each object.
        var gaveUpAt: ContinuousClock.Instant?
    }

    struct Answer: Sendable {
        let status: UInt
        let headers: HTTPHeaders
        let body: [UInt8]
        /// How many times it was asked before.
        let repeats: Int
    }

    struct Request: Sendable {
        var method = HTTPMethod.GET
        var name: ObjectName?
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var body: ArraySlice<UInt8> = []
        /// More than this is not read.
        var answerBytesMax = refusalBytesMax
    }

    /// So many requests at once, whoever asks.
    private static let width = max(16, 2 * Machine.cores)
    static let refusalBytesMax = 64 << 10
    private static let pieceBytes = 256 << 10
    private static let giveUpSeconds = 30.0

    /// - Parameter authority: certificates (PEM) that are trusted beside the system's.
    init(
        _ address: S3Address, _ credentials: S3Credentials, authority: [UInt8]?, _ patience: S3Patience, _ world: World
    ) throws(Trouble) {
        (self.address, self.credentials) = (address, credentials)
        (self.patience, self.world) = (patience, world)
        var tls = TLSConfiguration.makeClientConfiguration()
        // BSI TR-02102-2.
        tls.minimumTLSVersion = .tlsv12
        if let authority {
            do { tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(authority))] } catch {
                throw Trouble(
                    .wrongUse,
                    Words("What shall be trusted holds no certificates.", de: "Dem vertraut werden soll, enthält keine Zertifikate."),
                    advice: Words("The file must be in PEM form.", de: "Die Datei muss in PEM-Form sein."), cause: error)
            }
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(
                connect: .milliseconds(patience.connectMilliseconds), read: .milliseconds(patience.silenceMilliseconds),
                write: .milliseconds(patience.silenceMilliseconds)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.width
        // Whoever repeats is `send`, which knows how long.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit { client.shutdown { _ in } }

    /// - Throws: where no answer came at all, or only ones that ask for patience.
    func send(_ request: Request) async throws(Trouble) -> Answer {
        let begun = ContinuousClock.now
        let limit = begun + .seconds(allowance(Double(request.body.count)))
        var pause = patience.firstPauseMilliseconds
        var repeats = 0
        // What the cloud itself said tells more than that it said nothing later.
        var told: Trouble?
        while true {
            let failure: Trouble
            do throws(Trouble) {
                let answer = try await attempt(request, repeats, until: limit)
                health.withLock { $0 = Health(hasAnswered: true) }
                guard Self.isPassing(answer) else { return answer }
                failure = .busyCloud(address, answer)
                told = failure
            } catch { failure = error }
            let wait = Duration.milliseconds(pause * (0.5 + Double(world.random(1)[0]) / 256))
            guard failure.isPassing else { throw failure }
            guard ContinuousClock.now + wait < limit else {
                health.withLock { $0.gaveUpAt = .now }
                throw told ?? failure
            }
            do { try await Task.sleep(for: wait) } catch { throw failure }
            repeats += 1
            pause = min(pause * 2, patience.pauseMillisecondsMax)
        }
    }

    /// Seconds for a request that carries so many bytes.
    private func allowance(_ bytes: Double) -> Double {
        let health = health.withLock { $0 }
        if let gaveUpAt = health.gaveUpAt, gaveUpAt.duration(to: .now) < .seconds(Self.giveUpSeconds) {
            return Double(patience.connectMilliseconds) / 1000
        }
        return (health.hasAnswered ? patience.totalSeconds : patience.firstSeconds) + bytes / patience.bytesASecond
    }

    /// Too many requests, busy, broken: another attempt may go well.
    private static func isPassing(_ answer: Answer) -> Bool {
        switch answer.status {
        case 408, 429, 500, 502, 503, 504: true
        case 409: S3Text.first("Code", in: answer.body) == "ConditionalRequestConflict"
        // A line that breaks off can look so.
        case 400: ["RequestTimeout", "IncompleteBody", "BadDigest"].contains(S3Text.first("Code", in: answer.body))
        default: false
        }
    }

    private func attempt(
        _ request: Request, _ repeats: Int, until limit: ContinuousClock.Instant
    ) async throws(Trouble) -> Answer {
        let path = address.path(request.name)
        let hash = SHA256.hash(data: request.body)
        var headers = request.headers
        // A bucket with a lock takes nothing without one (Amazon S3 User Guide, "Object Lock considerations").
        if request.method == .PUT { headers.append(("x-amz-checksum-sha256", Data(hash).base64EncodedString())) }
        let signature = S3Signature(
            method: request.method.rawValue, authority: address.authority, path: path, query: request.query,
            headers: headers, bodyHash: hash, region: address.region, at: world.now(), with: credentials)
        var question = HTTPClientRequest(url: address.url(path, S3Signature.encoded(request.query)))
        question.method = request.method
        for (name, value) in signature.headers { question.headers.add(name: name, value: value) }
        question.headers.add(name: "user-agent", value: "zwilling")
        // In pieces, so that the wait for an answer begins when the last of them is on its way.
        if request.method != .GET, !request.body.isEmpty || request.method == .PUT {
            question.body = .stream(Pieces(bytes: request.body, size: Self.pieceBytes), length: .known(Int64(request.body.count)))
        }
        let left = max(ContinuousClock.now.duration(to: limit), .seconds(1))
        do {
            let response = try await client.execute(
                question, timeout: .nanoseconds(left.components.seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000))
            let status = response.status.code
            let most = (200..<300).contains(status) ? request.answerBytesMax : Self.refusalBytesMax
            var body: [UInt8] = []
            if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }) {
                body.reserveCapacity(min(max(length, 0), most))
            }
            for try await part in response.body {
                guard body.count + part.readableBytes <= most else { throw Unwanted.tooMuch }
                body.append(contentsOf: part.readableBytesView)
                // One that sends a byte now and then could hold it for ever.
                guard ContinuousClock.now < limit + .seconds(Double(body.count) / patience.bytesASecond) else { throw Unwanted.tooSlow }
            }
            return Answer(status: status, headers: response.headers, body: body, repeats: repeats)
        } catch Unwanted.tooMuch {
            throw request.name.map { .oversized($0, at: address.text) } ?? .strangeAnswer(address, "more than asked for")
        } catch {
            throw .unreachableCloud(address, error)
        }
    }

    private enum Unwanted: Error, CustomStringConvertible {
        case tooMuch
        case tooSlow

        var description: String { "the answer does not come to its end" }
    }

    private struct Pieces: AsyncSequence, Sendable {
        typealias Element = ByteBuffer
        let bytes: ArraySlice<UInt8>
        let size: Int

        struct AsyncIterator: AsyncIteratorProtocol {
            var left: ArraySlice<UInt8>
            let size: Int

            mutating func next() async -> ByteBuffer? {
                guard !left.isEmpty else { return nil }
                defer { left = left.dropFirst(size) }
                return ByteBuffer(bytes: left.prefix(size))
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(left: bytes, size: size) }
    }
}

// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One program, with all that it is started with.
package struct Launch: Sendable {
    /// Something of this machine that it sees.
    package struct Share: Sendable {
        package let outside: [UInt8]
        package let inside: String
        /// Whether it becomes the property of whoever runs the program.
        package let isGivenAway: Bool

        package init(outside: [UInt8], inside: String, isGivenAway: Bool) {
            (self.outside, self.inside, self.isGivenAway) = (outside, inside, isGivenAway)
        }
    }

    package enum Stop: String, Sendable {
        case terminate = "SIGTERM"
        /// What a database takes for an order to end now, but in order.
        case interrupt = "SIGINT"
    }

    package let id: String
    /// For containers.
    package var image: String?
    /// The program and its arguments; what the image says where empty.
    package var arguments: [String] = []
    package var user: String?
    /// On which it answers others.
    package var ports: [Int] = []
    package var environment: [String: String] = [:]
    /// Variables whose value is the content of a file.
    package var secretVariables: [String: [UInt8]] = [:]
    /// Files by their path inside.
    package var secretFiles: [String: [UInt8]] = [:]
    package var shares: [Share] = []
    package var stop = Stop.terminate

    package init(id: String) { self.id = id }
}

/// How one program stands.
package enum Standing: String, Sendable, Codable {
    case runs
    /// It ended by itself and is started again.
    case restarts
    case stopped
}

/// Where programs run: what an activation asks of it. Whatever it makes bears the activation's name,
/// so that all of it can be found and taken away. Every kind must pass the suite "Every platform" in
/// `Tests/Scenarios`.
package protocol LivePlatform: Sendable {
    /// Whether programs see files only where they are shared; else they see those of the machine.
    var hasOwnFiles: Bool { get }
    /// Of a command of this machine that shall see the network of the programs.
    var outside: [String] { get }

    /// May be called again after a run that was killed.
    func prepare(_ members: [String]) async throws(Trouble)
    /// Under which the others find it.
    func address(of member: String) -> String
    /// Of outgoing mail, seen from the programs.
    var gateway: String { get }
    /// Replaces one of the same name.
    func start(_ launch: Launch) async throws(Trouble)
    func standing() async throws(Trouble) -> [String: Standing]
    /// The program of a line of shell, to be run where a member runs.
    func command(_ line: String, in member: String) -> [String]
    /// The end of what it has said.
    func log(of member: String) async -> String
    /// Ends one of them in order, and waits for it.
    func stop(_ member: String) async throws(Trouble)
    /// Takes away all that it has made.
    func clear() async throws(Trouble)
    /// What there still is of it: empty after `clear`.
    func traces() async throws(Trouble) -> [String]
}

// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Programs
import Revival

/// The platform of a blueprint that this machine can be.
struct PlatformChoice {
    let platform: Platform

    init(_ wanted: String?, _ plan: RevivalPlan) async throws(Trouble) {
        let all = plan.institution.platforms
        if let wanted {
            guard let found = all.first(where: { $0.id.value == wanted }) else {
                throw Trouble(
                    .wrongUse,
                    Words("The blueprint has no platform \"\(plain(wanted))\".", de: "Der Bauplan hat keine Plattform „\(plain(wanted))“."),
                    advice: Words(
                        "There are: \(all.map { plain($0.id.value) }.joined(separator: ", ")).",
                        de: "Es gibt: \(all.map { plain($0.id.value) }.joined(separator: ", "))."))
            }
            if let obstacle = await Self.obstacle(found) { throw obstacle }
            platform = found
            return
        }
        for one in all where Self.fits(one, plan.institution) {
            guard await Self.obstacle(one) == nil else { continue }
            platform = one
            return
        }
        throw Trouble(
            .missing,
            Words("This machine can be none of the blueprint's platforms.", de: "Dieser Rechner kann keine Plattform des Bauplans sein."),
            advice: Words(
                "Describe one of kind podman or process under \"platforms\", or name one with --platform to see what is missing.",
                de: "Unter „platforms“ eine der Art podman oder process beschreiben, oder mit --platform eine nennen, um zu sehen, was fehlt."))
    }

    /// Whether it is for this machine, and for every application that says where it can run.
    private static func fits(_ platform: Platform, _ institution: Institution) -> Bool {
        let isHere = platform.host.map { $0.value == Machine.hostName() } ?? true
        return isHere
            && institution.applications.allSatisfy { one in
                one.platforms.isEmpty || one.platforms.contains { $0.value == platform.id.value }
            }
    }

    /// Why this machine cannot be it.
    private static func obstacle(_ platform: Platform) async -> Trouble? {
        switch platform.kind.value {
        case .process: return nil
        case .podman: return await PodmanPlatform.obstacle()
        case .kubernetes:
            return Trouble(
                .wrongUse,
                Words("Clusters of Kubernetes cannot be used yet.", de: "Kubernetes-Cluster sind noch nicht nutzbar."),
                advice: Words("Choose one of kind podman or process.", de: "Eine der Art podman oder process wählen."))
        }
    }

    var shown: String { "\(plain(platform.id.value)) (\(platform.kind.value.rawValue))" }

    func live(at place: ActivationPlace, id: String, isolation: Isolation?) throws(Trouble) -> any LivePlatform {
        switch platform.kind.value {
        case .podman: PodmanPlatform(id: id, isolation: isolation)
        default: ProcessPlatform(at: place, keeper: try Self.ownProgram(), isolation: isolation)
        }
    }

    static func ownProgram() throws(Trouble) -> String {
        do throws(SystemError) { return String(decoding: try Machine.ownProgram(), as: UTF8.self) } catch {
            throw error.trouble(Words("Cannot find this program's file", de: "Die Datei dieses Programms fehlt:"))
        }
    }
}

/// What one run of an activation works with.
struct ActivationRun {
    let setting: Activation.Setting

    init(
        _ source: RevivalSource, _ choice: PlatformChoice, at place: ActivationPlace, id: String,
        isolation: Isolation?, mail: String?, loadsAgain: Bool = false
    ) throws(Trouble) {
        let live = try choice.live(at: place, id: id, isolation: isolation)
        let builder = LaunchBuilder(source.plan.institution, place, live, mail: mail)
        setting = Activation.Setting(
            source.plan, at: place, on: live, builder: builder,
            questions: Questions(live, builder, program: try PlatformChoice.ownProgram()), loadsAgain: loadsAgain)
    }
}

/// The steps of an activation, for whoever waits.
enum ActivationTold {
    static func tell(_ event: ActivationEvent, _ progress: ProgressLine, since begun: Double) {
        switch event {
        case .brings(let id, let now):
            progress.update(bytesDone: now.bytesDone, of: now.bytesTotal, plain(id))
        case .back(let id, let bytes, let seconds):
            told(say("\(plain(id)) is back", de: "\(plain(id)) ist zurück") + ": \(pace(bytes, in: seconds))", since: begun)
        case .incomplete(let id, let one):
            warn(
                Words(
                    "\(plain(id)): \(one.trouble.message.english)", de: "\(plain(id)): \(one.trouble.message.german)"))
        case .starts(let id): told(say("\(plain(id)) is started", de: "\(plain(id)) wird gestartet"), since: begun)
        case .fails(let id, let trouble):
            told(say("\(plain(id)) fails", de: "\(plain(id)) misslingt") + ": " + say(trouble.message), since: begun)
        case .stands(let id): told(say("\(plain(id)) stands", de: "\(plain(id)) steht"), since: begun)
        }
    }

    private static func told(_ text: String, since begun: Double) {
        zwilling.tell("\(duration(Terminal.seconds() - begun))  \(text)")
    }
}

import ClerkFFI
import Observation

/// A call: dial, what the carrier said, what came of it, and taking that back.
@MainActor @Observable
public final class CallModel {
    /// How far it is.
    public enum Phase: Equatable, Sendable {
        /// Nothing was dialled.
        case ready
        /// The dialler has the number; what the carrier said is awaited.
        case calling
        /// Answered; what came of it is awaited.
        case outcome
        /// What came of it is recorded, and can be taken back for a while.
        case recorded(RecordedOutcome)
        /// There is nothing more to say.
        case over(EndedAttempt)
    }

    /// How far it is.
    public private(set) var phase = Phase.ready
    /// A step is under way; another tap does nothing.
    public private(set) var busy = false
    /// Who is called; none until it was read.
    public private(set) var member: MemberRow?
    /// The task, if there is one.
    public private(set) var task: TaskRow?
    /// What may be recorded of the task, and what each outcome asks for; none: there is no task.
    public private(set) var offered: OutcomeChoices?
    /// What the gate says of the call now.
    public private(set) var verdict: GateVerdict?
    /// What to say.
    public private(set) var script: Script?
    /// What a clerk hears on the line, in the order in which it is offered.
    public private(set) var results: [CarrierResult] = []
    /// The recording of an answered call, or the word that there is none, and why.
    public private(set) var recording: RecordingRow?
    /// Why the gate (`gate.<reason>`) or a rule refused, or what went wrong.
    public private(set) var failure: Failure?
    /// The task's id, if the call is for one.
    public let taskId: String?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let target: DialTarget
    @ObservationIgnored private let recordings: any CallRecordings
    @ObservationIgnored private var attemptId = ""

    public init(core: ClerkCore, target: DialTarget, recordings: any CallRecordings = NoCallRecordings()) {
        self.core = core
        self.recordings = recordings
        self.target = target
        if case .task(let id) = target { taskId = id } else { taskId = nil }
    }

    /// A call of which something is still to be said, after the app was ended meanwhile: see `openAttempts()`.
    public convenience init(core: ClerkCore, unfinished: OpenAttempt) {
        self.init(core: core, target: unfinished.target)
        attemptId = unfinished.attemptId
        phase = unfinished.awaits == .result ? .calling : .outcome
    }

    /// Reads who is called, why, and what the gate says.
    public func look() async {
        // Asks nobody: what was heard can be said also when the rest cannot be read.
        results = (try? await core.call { [target] in $0.carrierChoices(target: target) }) ?? []
        failure = await Failure.of {
            let shown = try await core.call { [target] app in
                let verdict = try app.checkDial(target: target)
                switch target {
                case .task(let id):
                    let detail = try app.task(taskId: id)
                    return Shown(
                        task: detail.task, script: detail.script, offered: try app.outcomeChoices(taskId: id),
                        member: try app.profile(memberId: detail.task.memberId).member, verdict: verdict)
                case .member(let id):
                    return Shown(
                        task: nil, script: nil, offered: nil, member: try app.profile(memberId: id).member,
                        verdict: verdict)
                }
            }
            (task, offered, member, verdict) = (shown.task, shown.offered, shown.member, shown.verdict)
            script = shown.script ?? script
        }
    }

    /// Asks the gate and begins the attempt. The number is for the dialler; nobody else keeps it.
    public func dial() async -> Secret? {
        guard phase == .ready else { return nil }
        var number: Secret?
        await step {
            let dial = try await self.core.call { [target = self.target] in try $0.dial(target: target) }
            self.attemptId = dial.attemptId
            self.script = dial.script ?? self.script
            self.phase = .calling
            number = dial.number
        }
        return number
    }

    /// Asks the gate, and gives the number to the dialler. The attempt is on the disk before the number is out; a
    /// device that cannot dial says so at once.
    public func dial(by device: any Device, watch: DialWatch) async {
        guard let number = await dial() else { return }
        watch.dialled()
        if await device.dial(number) == .notPossible {
            await end { try $0.dialNotPossible(attemptId: $1) }
        }
    }

    /// What the carrier said.
    public func ended(_ result: CarrierResult, durationS: UInt32? = nil) async {
        guard phase == .calling else { return }
        await end { try $0.endAttempt(attemptId: $1, result: result, durationS: durationS) }
    }

    private func end(_ how: @escaping @Sendable (ClerkApp, String) throws -> EndedAttempt) async {
        var recordingDue = false
        await step {
            let ended = try await self.core.call { [attemptId = self.attemptId] in try how($0, attemptId) }
            self.phase = ended.outcomeRequired ? .outcome : .over(ended)
            recordingDue = ended.recordingDue
        }
        if recordingDue { await keepRecording() }
    }

    /// Whether there is a recording is no matter of the call: what goes wrong here stops nothing.
    private func keepRecording() async {
        let found = await recordings.recording(of: attemptId)
        recording = try? await core.call { [attemptId] app in
            guard let found else { return try app.noRecording(attemptId: attemptId, why: "not_supported") }
            return try app.attachRecording(attemptId: attemptId, source: found.source, mediaType: found.mediaType)
        }
    }

    /// What came of it. Who says so while the call is open says that it was answered: the core ends it with that.
    public func record(_ outcome: NewOutcome) async {
        guard phase == .calling || phase == .outcome, let taskId else { return }
        var recordingDue = false
        await step {
            let recorded = try await self.core.call { try $0.recordOutcome(taskId: taskId, new: outcome) }
            self.phase = .recorded(recorded)
            recordingDue = recorded.recordingDue
        }
        if recordingDue { await keepRecording() }
    }

    /// What was refused is forgotten: another try.
    public func tryAgain() { failure = nil }

    /// Takes it back, as if it had never been.
    public func takeBack() async {
        guard case .recorded(let recorded) = phase else { return }
        await step {
            _ = try await self.core.call { try $0.takeBack(outcomeId: recorded.outcomeId) }
            self.phase = .outcome
        }
    }

    private func step(_ work: @MainActor () async throws -> Void) async {
        guard !busy else { return }
        busy = true
        failure = await Failure.of(work)
        busy = false
    }

    private struct Shown: Sendable {
        let task: TaskRow?
        let script: Script?
        let offered: OutcomeChoices?
        let member: MemberRow
        let verdict: GateVerdict
    }
}

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
        case over
    }

    /// How far it is.
    public private(set) var phase = Phase.ready
    /// A step is under way; another tap does nothing.
    public private(set) var busy = false
    /// What to say.
    public private(set) var script: Script?
    /// Why the gate (`gate.<reason>`) or a rule refused, or what went wrong.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let target: DialTarget
    @ObservationIgnored private var attemptId = ""
    @ObservationIgnored private let taskId: String?

    public init(core: ClerkCore, target: DialTarget) {
        self.core = core
        self.target = target
        if case .task(let id) = target { taskId = id } else { taskId = nil }
    }

    /// A call of which something is still to be said, after the app was ended meanwhile: see `openAttempts()`.
    public convenience init(core: ClerkCore, unfinished: OpenAttempt) {
        // Nothing is dialled anew, so the purpose does not count.
        self.init(
            core: core,
            target: unfinished.taskId.map { .task($0) } ?? .member(memberId: unfinished.memberId, purpose: .service))
        attemptId = unfinished.attemptId
        phase = unfinished.awaits == "result" ? .calling : .outcome
    }

    /// Asks the gate and begins the attempt. The number is for the dialler; nobody else keeps it.
    public func dial() async -> Secret? {
        guard phase == .ready else { return nil }
        var number: Secret?
        await step {
            let dial = try await self.core.call { [target = self.target] in try $0.dial(target: target) }
            self.attemptId = dial.attemptId
            self.script = dial.script
            self.phase = .calling
            number = dial.number
        }
        return number
    }

    /// What the carrier said.
    public func ended(_ result: CarrierResult, durationS: UInt32? = nil) async {
        guard phase == .calling else { return }
        await step {
            let ended = try await self.core.call { [attemptId = self.attemptId] in
                try $0.endAttempt(attemptId: attemptId, result: result, durationS: durationS)
            }
            self.phase = ended.outcomeRequired ? .outcome : .over
        }
    }

    /// What came of it.
    public func record(_ outcome: NewOutcome) async {
        guard phase == .outcome, let taskId else { return }
        await step {
            self.phase = .recorded(
                try await self.core.call { try $0.recordOutcome(taskId: taskId, new: outcome) })
        }
    }

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
        failure = nil
        do { try await work() } catch { failure = Failure(error) }
        busy = false
    }
}

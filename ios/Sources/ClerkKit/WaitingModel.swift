import ClerkFFI
import Observation

/// Messages that wait for the clerk: those that were put off until now, and those of which it did not say what became.
@MainActor @Observable
public final class WaitingModel {
    /// The gate put them off, oldest first; none until that was read.
    public private(set) var deferred: [MessageDeferred]?
    /// They were made, and nobody said whether they were sent: the app was left or ended meanwhile. Newest first; none
    /// until that was read.
    public private(set) var untold: [OpenMessage]?
    /// Why there are none, or why what was said was not stored.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Shows them, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        await core.follow {
            Shown(deferred: try $0.deferredMessages(), untold: try $0.openMessages())
        } show: { shown, failure in
            deferred = shown?.deferred
            untold = shown?.untold
            self.failure = failure
        }
    }

    /// The clerk says whether one was sent.
    public func told(_ message: OpenMessage, sent: Bool) async {
        failure = await core.change { _ = try $0.messageTold(key: message.key, told: sent ? .sent : .notSent) }
    }

    private struct Shown: Equatable, Sendable {
        let deferred: [MessageDeferred]
        let untold: [OpenMessage]
    }
}

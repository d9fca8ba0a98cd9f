import ClerkFFI
import Observation

/// A member at a glance.
@MainActor @Observable
public final class MemberModel {
    /// Who it is.
    public let memberId: String
    /// The profile; none until it was read, and on a locked phone.
    public private(set) var profile: Profile?
    /// What the gate says of a service call now.
    public private(set) var verdict: GateVerdict?
    /// Why there is no profile.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// Shows the member, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let id = memberId
        // That it was opened only orders a list: no reason to show nobody.
        try? await core.call { try $0.rememberOpened(memberId: id) }
        await core.follow { app in
            Shown(
                profile: try app.profile(memberId: id),
                verdict: try app.checkContact(memberId: id, channel: .call, purpose: .service))
        } show: { shown, failure in
            profile = shown?.profile
            verdict = shown?.verdict
            self.failure = failure
        }
    }

    private struct Shown: Equatable, Sendable {
        let profile: Profile
        let verdict: GateVerdict
    }
}

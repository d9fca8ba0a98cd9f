import ClerkFFI
import Observation

/// Who uses the phone, and its lock.
@MainActor @Observable
public final class SignInModel {
    /// Who may use the phone.
    public private(set) var staff: [StaffRow] = []
    /// Who is signed in, locked or not.
    public private(set) var signedIn: String?
    /// The lock has fallen.
    public private(set) var locked = false
    /// Why somebody could not sign in, or the list is not there.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Reads who is there and whether the lock has fallen; also when the app comes to the front, since the lock falls
    /// by time.
    public func refresh() async {
        do {
            let now = try await core.call { app in
                (staff: try app.staff(), signedIn: app.signedIn(), locked: app.isLocked())
            }
            (staff, signedIn, locked) = now
            failure = nil
        } catch {
            failure = Failure(error)
        }
    }

    /// Signs somebody in, or lifts the lock.
    public func signIn(_ staffId: String, pin: String? = nil) async {
        await change { try $0.switchStaff(staffId: staffId, pin: pin) }
    }

    /// The lock falls now.
    public func lock() async { await change { try $0.lockNow() } }

    /// Somebody touched the phone: nothing else puts the lock off.
    public func touched() async {
        // Refused once the lock has fallen, which is then to be seen.
        do { try await core.call { try $0.touch() } } catch { await refresh() }
    }

    private func change(_ block: @escaping @Sendable (ClerkApp) throws -> Void) async {
        var refused: Failure?
        do { try await core.call(block) } catch { refused = Failure(error) }
        await refresh()
        failure = refused ?? failure
    }
}

import ClerkFFI
import Observation

/// Who uses the phone, and its lock.
@MainActor @Observable
public final class SignInModel {
    /// Who may use the phone; none until it was read.
    public private(set) var staff: [StaffRow]?
    /// Who is signed in, locked or not.
    public private(set) var signedIn: String?
    /// The lock has fallen.
    public private(set) var locked = false
    /// Why somebody could not sign in, or the list is not there.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Who is signed in and unlocked.
    public var current: StaffRow? { locked ? nil : staff?.first { $0.staffId == signedIn } }

    /// Reads who is there and whether the lock has fallen; also when the app comes to the front, since the lock falls
    /// by time.
    public func refresh() async {
        failure = await Failure.of {
            let now = try await core.call { app in
                (staff: try app.staff(), signedIn: app.signedIn(), locked: app.isLocked())
            }
            (staff, signedIn, locked) = now
        }
    }

    /// Signs somebody in, or lifts the lock.
    public func signIn(_ staffId: String, pin: String? = nil) async {
        await change { try $0.switchStaff(staffId: staffId, pin: pin) }
    }

    /// Signs somebody in by the PIN that was typed on this device.
    public func signIn(_ staffId: String, pin: String, on device: any Device) async {
        await signIn(staffId, pin: pin)
        if failure == nil { device.trustBiometrics() }
    }

    /// Signs somebody in whom the device recognises.
    public func recognise(_ staffId: String, reason: String, by device: any Device) async {
        guard await device.recognise(reason: reason) else { return }
        await change { try $0.switchStaffBiometric(staffId: staffId) }
    }

    /// Sets the first PIN of somebody.
    public func setPin(_ staffId: String, new: String) async {
        await change { try $0.setPin(staffId: staffId, old: nil, new: new) }
    }

    /// Nobody uses the phone; the next person chooses itself.
    public func signOut() async { await change { try $0.signOut() } }

    /// What was refused is forgotten: another person, or another try.
    public func tryAgain() { failure = nil }

    /// The lock falls now.
    public func lock() async { await change { try $0.lockNow() } }

    /// Somebody touched the phone: nothing else puts the lock off.
    public func touched() async {
        // Refused once the lock has fallen, which is then to be seen.
        do { try await core.call { try $0.touch() } } catch { await refresh() }
    }

    private func change(_ block: @escaping @Sendable (ClerkApp) throws -> Void) async {
        let refused = await core.change(block)
        await refresh()
        failure = refused ?? failure
    }
}

import ClerkFFI
import Foundation
import Observation

/// What is known of a member, corrected.
@MainActor @Observable
public final class EditModel {
    public var name = ""
    /// A new number; empty: the one that is there stays.
    public var phone = ""
    /// A code, or none if it is not known.
    public var sex: String?
    public var birthday = ""
    /// The sexes that may be chosen.
    public private(set) var sexes: [String] = []
    /// The sex was not known when the form began.
    public var sexUnknown: Bool { before?.sex == nil }
    /// What is known; none until it was read, and on a locked phone.
    public private(set) var profile: Profile?
    /// It is being stored.
    public private(set) var busy = false
    /// Why there is nothing to correct, or why it was not stored.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let memberId: String
    /// What the form began with; none until that was read.
    private var before: MemberForm?

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// Shows what is known, and again whenever rows change, until the task is cancelled. The form begins with it once.
    public func follow() async {
        await core.follow { [memberId] app in
            Shown(
                profile: try app.profile(memberId: memberId), form: try app.memberForm(memberId: memberId),
                sexes: app.sexes())
        } show: { shown, failure in
            profile = shown?.profile
            sexes = shown?.sexes ?? []
            self.failure = failure
            if before == nil, let form = shown?.form { begin(form) }
        }
    }

    private func begin(_ form: MemberForm) {
        before = form
        (name, phone, sex, birthday) = (form.name, form.phone, form.sex, form.birthday)
    }

    /// Stores what was changed; whether it was.
    public func save() async -> Bool {
        guard let before else { return false }
        let after = MemberForm(name: name, phone: phone, sex: sex, birthday: birthday)
        return await change { try $0.saveForm(memberId: $1, before: before, after: after) }
    }

    /// The allergies that a text names, stored at once.
    public func addAllergies(_ text: String) async { await change { try $0.addAllergies(memberId: $1, text: text) } }

    /// One allergy less, stored at once.
    public func removeAllergy(_ text: String) async { await change { try $0.removeAllergy(memberId: $1, text: text) } }

    @discardableResult
    private func change(_ block: @escaping @Sendable (ClerkApp, String) throws -> Void) async -> Bool {
        guard !busy else { return false }
        busy = true
        defer { busy = false }
        failure = await core.change { [memberId] in try block($0, memberId) }
        return failure == nil
    }

    private struct Shown: Equatable, Sendable {
        let profile: Profile
        let form: MemberForm
        let sexes: [String]
    }
}

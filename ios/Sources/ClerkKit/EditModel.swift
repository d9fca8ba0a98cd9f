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
    /// What is known; none until it was read, and on a locked phone.
    public private(set) var profile: Profile?
    /// It is being stored.
    public private(set) var busy = false
    /// Why there is nothing to correct, or why it was not stored.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let memberId: String
    /// What the form began with: what is as it was is not told, since somebody else may have changed it meanwhile.
    @ObservationIgnored private var before: Profile?

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// Shows what is known, and again whenever rows change, until the task is cancelled. The form begins with it once.
    public func follow() async {
        await core.follow { [memberId] app in
            Shown(profile: try app.profile(memberId: memberId), sexes: app.sexes())
        } show: { shown, failure in
            profile = shown?.profile
            sexes = shown?.sexes ?? []
            self.failure = failure
            if before == nil, let profile { begin(profile) }
        }
    }

    private func begin(_ profile: Profile) {
        before = profile
        (name, sex) = (profile.member.name, profile.member.sex)
        birthday = profile.birthday ?? ""
    }

    /// Stores what was changed; whether it was.
    public func save() async -> Bool {
        guard let before else { return false }
        return await change {
            let typed = birthday == before.birthday ? "" : birthday
            let born = try await core.call { try $0.typedBirthday(text: typed) }
            return ProfileFields(
                name: name == before.member.name ? nil : name, phone: phone.isEmpty ? nil : phone,
                sex: sex == before.member.sex ? nil : sex, birthday: born)
        }
    }

    /// The allergies that a text names, stored at once.
    public func addAllergies(_ text: String) async {
        await change {
            let named = try await core.call { [memberId] in try $0.typedAllergies(memberId: memberId, text: text) }
            return ProfileFields(allergies: allergies.filter { !named.contains($0) } + named)
        }
    }

    /// One allergy less, stored at once.
    public func removeAllergy(_ text: String) async {
        await change { ProfileFields(allergies: allergies.filter { $0.text != text }) }
    }

    private var allergies: [Allergy] {
        (profile?.allergies ?? []).map { Allergy(text: $0.text, ingredients: $0.ingredients) }
    }

    /// Stores fields; whether they were.
    @discardableResult
    private func change(_ fields: @MainActor () async throws -> ProfileFields) async -> Bool {
        guard !busy else { return false }
        busy = true
        defer { busy = false }
        failure = await Failure.of {
            let edit = try await fields()
            try await core.call { [memberId] in _ = try $0.editMember(memberId: memberId, edit: edit) }
        }
        return failure == nil
    }

    private struct Shown: Equatable, Sendable {
        let profile: Profile
        let sexes: [String]
    }
}

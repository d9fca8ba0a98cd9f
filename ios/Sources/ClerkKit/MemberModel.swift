import ClerkFFI
import Foundation
import Observation

/// A member at a glance.
@MainActor @Observable
public final class MemberModel {
    /// Who it is.
    public let memberId: String
    /// The profile; none until it was read, and on a locked phone.
    public private(set) var profile: Profile?
    /// The last readings, newest first: for the small line beside the last one.
    public private(set) var readings: [ReadingRow] = []
    /// The day of the call that was planned last.
    public private(set) var planned: CivilDate?
    /// Something is being stored.
    public private(set) var busy = false
    /// Why there is no profile, or why what was asked for was not done.
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
                readings: try app.readings(memberId: id, kind: nil, limit: 24).readings)
        } show: { shown, failure in
            profile = shown?.profile
            readings = shown?.readings ?? []
            self.failure = failure
        }
    }

    /// Writes a note. Whether it was stored.
    @discardableResult
    public func note(_ text: String) async -> Bool {
        await change { _ = try $0.addNote(memberId: $1, text: text, supersedes: nil) }
    }

    /// Adds a tag.
    @discardableResult
    public func addTag(_ tag: String) async -> Bool {
        await change { _ = try $0.tag(memberId: $1, add: [tag], remove: []) }
    }

    /// Removes a tag.
    @discardableResult
    public func removeTag(_ tag: String) async -> Bool {
        await change { _ = try $0.tag(memberId: $1, add: [], remove: [tag]) }
    }

    /// Plans a call on a day.
    @discardableResult
    public func call(on day: CivilDate) async -> Bool {
        let stored = await change {
            _ = try $0.planCall(memberId: $1, start: day)
        }
        planned = stored ? day : nil
        return stored
    }

    /// Records a consent, with what the member signed it, or its withdrawal.
    @discardableResult
    public func consent(_ new: NewConsent, signature: DrawnSignature? = nil) async -> Bool {
        await change { _ = try $0.setConsent(memberId: $1, new: new, signature: signature) }
    }

    /// Records how the member takes a medicine.
    @discardableResult
    public func regimen(_ new: NewRegimen) async -> Bool {
        await change { _ = try $0.setRegimen(memberId: $1, new: new) }
    }

    /// Records how much of a medicine the member takes a day, as it was typed. Nothing typed: nothing is stored.
    @discardableResult
    public func takes(_ ingredient: String, daily typed: String) async -> Bool {
        await change { app, memberId in
            guard let milli = try app.typedUnits(text: typed) else { return }
            let new = NewRegimen(ingredient: ingredient, dailyUnitsMilli: milli)
            _ = try app.setRegimen(memberId: memberId, new: new)
        }
    }

    private func change(_ block: @escaping @Sendable (ClerkApp, String) throws -> Void) async -> Bool {
        guard !busy else { return false }
        busy = true
        defer { busy = false }
        failure = await core.change { [memberId] in try block($0, memberId) }
        return failure == nil
    }

    private struct Shown: Equatable, Sendable {
        let profile: Profile
        let readings: [ReadingRow]
    }
}

import ClerkFFI
import Observation

/// Who did what today; for the manager, whose task is whose.
@MainActor @Observable
public final class TodayModel {
    /// A number, and whose.
    public struct Asked: Hashable, Sendable {
        public let whose: Whose
        public let name: String
        public let figure: TodayFigure

        public init(whose: Whose, name: String, figure: TodayFigure) {
            self.whose = whose
            self.name = name
            self.figure = figure
        }
    }

    /// The day by clerk; none until it was read.
    public private(set) var today: TodayByClerk?
    /// Who may be given a task.
    public private(set) var staff: [StaffRow] = []
    /// Members who may be one.
    public private(set) var duplicates: [DuplicateRow] = []
    /// The number whose list is shown. A screen calls ``follow()`` anew when it changes.
    public var asked: Asked?
    /// The list behind it.
    public private(set) var items: [TodayItem] = []
    /// What was given away last.
    public private(set) var moved: Reassigned?
    /// The members that were merged last here, which can be undone.
    public private(set) var merged: DuplicateRow?
    /// Why there is nothing to see, or why it was not done.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Shows the day, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let number = asked
        await core.follow { app in
            let staff = try app.staff()
            let merges = staff.contains { $0.current && $0.may.merge }
            return Shown(
                today: try app.todayByClerk(), staff: staff, duplicates: merges ? try app.duplicates() : [],
                items: try number.map { try app.todayItems(whose: $0.whose, figure: $0.figure) } ?? [])
        } show: { shown, failure in
            guard number == asked else { return }
            today = shown?.today
            staff = shown?.staff ?? []
            duplicates = shown?.duplicates ?? []
            items = shown?.items ?? []
            self.failure = failure
        }
    }

    /// Gives a task to somebody; none: to anyone.
    public func reassign(_ taskId: String, to staffId: String?) async {
        failure = await core.change { _ = try $0.reassign(taskId: taskId, assignee: staffId) }
    }

    /// Gives every task of the list that can be given away to somebody; none: to anyone.
    public func reassignAll(to staffId: String?) async {
        let tasks = items.filter(\.mayGive).compactMap(\.taskId)
        failure = await Failure.of {
            moved = try await core.call { try $0.reassignAll(taskIds: tasks, assignee: staffId) }
        }
    }

    /// Asks for a task to be done soon.
    public func nudge(_ taskId: String) async { failure = await core.change { _ = try $0.nudge(taskId: taskId) } }

    /// Spreads today's list over those who are here.
    public func rebalance() async {
        failure = await Failure.of { moved = try await core.call { try $0.rebalance() } }
    }

    /// Somebody is not here on a day; none: is back.
    public func markOff(_ staffId: String, on day: CivilDate?) async {
        failure = await core.change { try $0.markOff(staffId: staffId, on: day) }
    }

    /// Two members are one.
    public func merge(_ pair: DuplicateRow) async {
        failure = await core.change { try $0.mergeMembers(keep: pair.first.memberId, other: pair.second.memberId) }
        if failure == nil { merged = pair }
    }

    /// The members that were merged last are two after all.
    public func undoMerge() async {
        guard let pair = merged else { return }
        failure = await core.change { try $0.undoMerge(keep: pair.first.memberId, other: pair.second.memberId) }
        if failure == nil { merged = nil }
    }

    /// Two members are two.
    public func keepApart(_ pair: DuplicateRow) async {
        failure = await core.change { try $0.keepApart(first: pair.first.memberId, second: pair.second.memberId) }
    }

    private struct Shown: Equatable, Sendable {
        let today: TodayByClerk
        let staff: [StaffRow]
        let duplicates: [DuplicateRow]
        let items: [TodayItem]
    }
}

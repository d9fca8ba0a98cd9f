import ClerkFFI
import Observation

/// Whom to call next.
@MainActor @Observable
public final class TaskListModel {
    /// Which tasks. A screen calls ``follow()`` anew when it or ``limit`` changes.
    public var filter = TaskFilter(view: .due) {
        didSet { limit = page }
    }
    /// Households that are shown at most; ``more()`` shows further ones.
    public private(set) var limit: UInt64
    /// The tasks by household, in the order of the rules; none until they were read, and on a locked phone.
    public private(set) var list: TaskList?
    /// How many there are in each view.
    public private(set) var counts: TaskCounts?
    /// Diseases and tags of the store, to narrow the list by.
    public private(set) var members: MemberCounts?
    /// Dials that wait for the clerk's word, newest first.
    public private(set) var open: [OpenAttempt] = []
    /// How many there are on today's list.
    public var due: UInt64 { counts?.views.first { $0.view == .due }?.count ?? 0 }
    /// Messages that wait for the clerk: put off until now, or nobody said what became of them.
    public var messages: UInt64 { counts?.messages ?? 0 }
    /// Why there is no list, or why what was asked for was not done.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    @ObservationIgnored private let page: UInt64

    /// `page`: households of a page; three screens of a phone.
    public init(core: ClerkCore, page: UInt64 = 20) {
        self.core = core
        self.page = page
        limit = page
    }

    /// Shows the list, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let (asked, limit) = (filter, limit)
        await core.follow { app in
            Shown(
                list: try app.taskPage(filter: asked, offset: 0, limit: limit),
                counts: try app.taskCounts(wholeStore: asked.wholeStore),
                members: try app.memberCounts(), open: try app.openAttempts())
        } show: { shown, failure in
            guard asked == filter, limit == self.limit else { return }
            list = shown?.list
            counts = shown?.counts
            members = shown?.members
            open = shown?.open ?? []
            self.failure = failure
        }
    }

    /// The end of what is shown came into sight: the next page.
    public func more() {
        if let list, UInt64(list.households.count) < list.householdCount { limit += page }
    }

    /// Narrows the list; what is left out stays as it is.
    public func narrow(
        view: TaskView? = nil, wholeStore: Bool? = nil, class: MemberClass?? = nil, disease: String?? = nil,
        tag: String?? = nil
    ) {
        filter = TaskFilter(
            view: view ?? filter.view, wholeStore: wholeStore ?? filter.wholeStore, assignee: filter.assignee,
            class: `class` ?? filter.class, disease: disease ?? filter.disease, tag: tag ?? filter.tag,
            memberId: filter.memberId)
    }

    /// The task comes back on a day.
    public func put(off taskId: String, until day: CivilDate) async {
        failure = await core.change { _ = try $0.deferTask(taskId: taskId, until: day, untilMs: nil) }
    }

    /// Whom to call next of what the list is narrowed to; none: nobody is left.
    public func nextCall() async -> String? {
        var next: String?
        failure = await Failure.of { [filter] in next = try await core.call { try $0.nextCall(filter: filter) } }
        return next
    }

    private struct Shown: Equatable, Sendable {
        let list: TaskList
        let counts: TaskCounts
        let members: MemberCounts
        let open: [OpenAttempt]
    }
}

import ClerkFFI
import Observation

/// Whom to call next.
@MainActor @Observable
public final class TaskListModel {
    /// Which tasks. A screen calls ``follow()`` anew when it changes.
    public var view = TaskView.due
    /// The tasks by household, in the order of the rules; none until they were read, and on a locked phone.
    public private(set) var list: TaskList?
    /// How many there are in each view.
    public private(set) var counts: TaskCounts?
    /// Why there is no list.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Shows the list, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let filter = TaskFilter(view: view)
        await core.follow { app in
            Shown(list: try app.tasks(filter: filter), counts: try app.taskCounts(wholeStore: false))
        } show: { shown, failure in
            list = shown?.list
            counts = shown?.counts
            self.failure = failure
        }
    }

    private struct Shown: Equatable, Sendable {
        let list: TaskList
        let counts: TaskCounts
    }
}

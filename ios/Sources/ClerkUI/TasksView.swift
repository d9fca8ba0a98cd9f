import ClerkFFI
import ClerkKit
import SwiftUI

/// What the list follows: read anew when either changes.
private struct Pages: Hashable {
    let filter: TaskFilter
    let limit: UInt64
}

/// Whom to call next, why, and one touch to do it.
struct TasksView: View {
    let app: AppModel
    @State private var deferred: TaskRow?

    private var words: Wording { app.words }
    private var model: TaskListModel { app.tasks }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            PartialSign(sync: app.sync, words: words)
            filters
            ForEach(model.open, id: \.attemptId) { unfinished($0) }
            Refusal(model.failure, words)
            tasks
        }
        .navigationTitle(words["nav.tasks"])
        .toolbar {
            ToolbarItem(placement: .topBarTrailing) {
                Button {
                    app.way.to(.waiting)
                } label: {
                    Label(
                        words["message.waiting"],
                        systemImage: model.messages > 0 ? "exclamationmark.bubble.fill" : "bubble")
                }
            }
            ToolbarItem(placement: .topBarTrailing) { menu }
        }
        .task(id: Pages(filter: model.filter, limit: model.limit)) { await model.follow() }
        .sheet(isPresented: shown($deferred)) { deferral }
    }

    // MARK: Which

    private var filters: some View {
        Picker(words["nav.tasks"], selection: view) {
            ForEach(model.counts?.views ?? [], id: \.view) { one in
                Text("\(words.code("list", of: one.view)) \(one.count)").tag(one.view)
            }
        }
        .pickerStyle(.segmented)
    }

    private var view: Binding<TaskView> {
        Binding(get: { model.filter.view }, set: { model.narrow(view: $0) })
    }

    /// What the list is narrowed to: one of each.
    private var menu: some View {
        Menu {
            if app.signIn.current?.may.seeStore == true {
                Toggle(words["list.whole_store"], isOn: wholeStore)
            }
            narrow(words["list.class"], classes, chosen: model.filter.class.map(codeName)) {
                model.narrow(class: .some($0.flatMap { ofCode($0) }))
            }
            narrow(words["list.disease"], diseases, chosen: model.filter.disease) { model.narrow(disease: .some($0)) }
            narrow(words["field.tags"], tags, chosen: model.filter.tag) { model.narrow(tag: .some($0)) }
        } label: {
            Label(words["list.class"], systemImage: "line.3.horizontal.decrease.circle")
        }
    }

    private var wholeStore: Binding<Bool> {
        Binding(get: { model.filter.wholeStore }, set: { model.narrow(wholeStore: $0) })
    }

    private var classes: [(code: String, text: String)] {
        (model.counts?.classes ?? []).map { ($0.code, "\(words.code("class", $0.code)) \($0.count)") }
    }

    private var diseases: [(code: String, text: String)] {
        (model.members?.diseases ?? []).map { ($0.code, words.code("disease", $0.code)) }
    }

    private var tags: [(code: String, text: String)] { (model.members?.tags ?? []).map { ($0.code, $0.code) } }

    private func narrow(
        _ name: String, _ choices: [(code: String, text: String)], chosen: String?,
        choose: @escaping @MainActor (String?) -> Void
    ) -> some View {
        Menu(name) {
            ForEach(choices, id: \.code) { choice in
                Toggle(
                    choice.text,
                    isOn: Binding(get: { chosen == choice.code }, set: { choose($0 ? choice.code : nil) }))
            }
        }
    }

    // MARK: The list

    @ViewBuilder private var tasks: some View {
        if let list = model.list {
            if let none = list.none { ContentUnavailableView(words.said(none), systemImage: "checkmark.circle") }
            ForEach(list.households.flatMap(\.tasks), id: \.taskId) { task in row(task) }
            if UInt64(list.households.count) < list.householdCount {
                Waiting(words["state.reading"]).task(id: list.households.count) { model.more() }
            }
        } else if model.failure == nil {
            Waiting(words["state.reading"])
        }
    }

    /// A dial that waits for a word, as after a phone that died during the call.
    private func unfinished(_ open: OpenAttempt) -> some View {
        LeadingRow {
            app.way.to(Place(callTo: open.target))
        } content: {
            Label(
                words[open.awaits == .result ? "list.open_result" : "list.open_outcome", ["name": open.name]],
                systemImage: "waveform")
        }
    }

    private func row(_ task: TaskRow) -> some View {
        let touch = task.act.touch(on: task.taskId, words)
        return VStack(alignment: .leading, spacing: 8) {
            LeadingRow {
                app.way.to(.member(task.memberId))
            } content: {
                TaskLine(task: task, words: words, wholeStore: model.filter.wholeStore)
            }
            if let touch { Big(text: touch.text, picture: touch.picture) { app.way.to(touch.place) } }
        }
        .swipeActions(edge: .trailing, allowsFullSwipe: false) {
            if task.deferUntilMax != nil {
                Button(words["list.defer"], systemImage: "clock.arrow.circlepath") { deferred = task }
            }
        }
        .swipeActions(edge: .leading) {
            if let touch {
                Button(touch.text, systemImage: touch.picture) { app.way.to(touch.place) }.tint(.green)
            }
        }
    }

    @ViewBuilder private var deferral: some View {
        if let task = deferred {
            DayQuestion(app: app, title: words["list.defer_to"], last: task.deferUntilMax) { day in
                deferred = nil
                Task { await model.put(off: task.taskId, until: day) }
            }
        }
    }
}

extension TaskAct {
    /// What a button for it says and shows, and where it leads; none: nothing is done.
    func touch(on taskId: String, _ words: Wording) -> (text: String, picture: String, place: Place)? {
        switch self {
        case .call: (words["list.call"], "phone", .callTask(taskId))
        case .message: (words["list.message"], "message", .messageTask(taskId))
        case .nothing: nil
        }
    }
}

/// A task in the list: who, why, until when.
struct TaskLine: View {
    let task: TaskRow
    let words: Wording
    let wholeStore: Bool

    var body: some View {
        let more = joined([
            words.phone(task.phoneMasked), task.hourMatches ? words["list.good_hour"] : nil,
            wholeStore ? task.assigneeName ?? words["list.anyone"] : nil,
        ])
        Entry(middle: words.why(task), below: more) {
            if task.emergency { Sign(text: words["purpose.emergency"], stands: true) }
            Text(task.name).font(.title3)
            if let of = task.class { Sign(text: words.code("class", of: of), color: .accentColor) }
            if task.kind != "call" { Sign(text: words.code("task_kind", task.kind)) }
            Text(words["list.due_on", ["day": words.date(task.due)]]).font(.subheadline)
        }
    }
}

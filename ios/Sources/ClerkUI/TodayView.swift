import ClerkFFI
import ClerkKit
import SwiftUI

/// Who did what today, the list behind each number, and whose task is whose. A clerk sees its own line.
struct TodayView: View {
    let app: AppModel
    let model: TodayModel

    private var words: Wording { app.words }
    /// What the core would refuse is not offered.
    private func may(_ right: KeyPath<Rights, Bool>) -> Bool { app.signIn.current?.may[keyPath: right] == true }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if let moved = model.moved { given(moved) }
            if let merged = model.merged { self.merged(merged) }
            if let today = model.today {
                if let asked = model.asked { items(asked) }
                if let total = today.total { clerk(total, words["today.all"], .store) }
                ForEach(today.clerks, id: \.staffId) { day in
                    if let id = day.staffId {
                        clerk(day, day.name, .staff(id))
                    } else {
                        clerk(day, words["today.nobodys"], .nobody)
                    }
                }
                if may(\.merge) { ForEach(model.duplicates, id: \.pairId) { duplicate($0) } }
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["nav.today"])
        .toolbar {
            ToolbarItem(placement: .topBarTrailing) {
                if may(\.assign) { Button(words["today.rebalance"]) { Task { await model.rebalance() } } }
            }
        }
        .task(id: model.asked) { await model.follow() }
    }

    // MARK: By clerk

    private func clerk(_ day: ClerkDay, _ name: String, _ whose: Whose) -> some View {
        Section {
            HStack {
                Text(name).font(.title3)
                if day.offToday { Sign(text: words["signin.off"]) }
                Spacer()
                if may(\.markOff), let id = day.staffId {
                    Button(words[day.offToday ? "today.back" : "today.off"]) {
                        Task { await model.markOff(id, on: day.offToday ? nil : words.today) }
                    }
                    .buttonStyle(.bordered)
                }
            }
            Wrap(minimum: 76) {
                ForEach(day.figures, id: \.self) { one in
                    Button {
                        model.asked = .init(whose: whose, name: name, figure: one.figure)
                    } label: {
                        Figure(value: "\(one.count)", name: words.code("today_figure", of: one.figure))
                            .touchable()
                    }
                    .buttonStyle(.borderless)
                }
            }
        }
    }

    // MARK: The list behind a number

    private func items(_ asked: TodayModel.Asked) -> some View {
        Section {
            LabeledContent {
                Button(words["today.hide"]) { model.asked = nil }
            } label: {
                let figure = words.code("today_figure", of: asked.figure)
                Text("\(asked.name) · \(figure) \(model.items.count)").font(.headline)
            }
            if model.items.isEmpty { Text(words["today.nothing"]).foregroundStyle(.secondary) }
            if may(\.assign), model.items.contains(where: \.mayGive) {
                give(words["today.give_all"]) { await model.reassignAll(to: $0) }.buttonStyle(.bordered)
            }
            ForEach(model.items, id: \.self) { item($0) }
        }
    }

    @ViewBuilder private func item(_ item: TodayItem) -> some View {
        VStack(alignment: .leading, spacing: 6) {
            LeadingRow {
                app.way.to(.member(item.memberId))
            } content: {
                VStack(alignment: .leading) {
                    HStack {
                        Text(item.name).font(.headline)
                        if !item.code.isEmpty { Sign(text: words.code(item.group, item.code)) }
                    }
                    Text(
                        joined([
                            model.staff.first { $0.staffId == item.staffId }?.name ?? words["today.nobodys"],
                            item.phoneMasked,
                            item.due.map { words["list.due_on", ["day": words.date($0)]] } ?? words.instant(item.atMs),
                        ])
                    )
                    .foregroundStyle(.secondary)
                }
            }
            if may(\.assign), item.mayGive, let task = item.taskId {
                HStack {
                    give(words["today.give"]) { await model.reassign(task, to: $0) }
                    if may(\.nudge) { Button(words["today.nudge"]) { Task { await model.nudge(task) } } }
                }
                .buttonStyle(.bordered)
            }
        }
    }

    /// To whom something is given.
    private func give(_ text: String, to: @escaping @MainActor (String?) async -> Void) -> some View {
        Menu(text) {
            ForEach(model.staff, id: \.staffId) { row in Button(row.name) { Task { await to(row.staffId) } } }
            Button(words["list.anyone"]) { Task { await to(nil) } }
        }
    }

    private func given(_ moved: Reassigned) -> some View {
        Section {
            Text(words["today.moved", ["n": moved.moved.count]])
            ForEach(moved.refused, id: \.id) { Text("\($0.name)：\(words.refused($0))") }
        }
    }

    // MARK: Who may be one

    private func duplicate(_ pair: DuplicateRow) -> some View {
        Section(words["today.duplicate"]) {
            ForEach([pair.first, pair.second], id: \.memberId) { Text(line($0)) }
            HStack {
                Button(words["today.merge"]) { Task { await model.merge(pair) } }
                Button(words["today.apart"]) { Task { await model.keepApart(pair) } }
            }
            .buttonStyle(.bordered)
        }
    }

    /// The last merge, which was perhaps a mistake.
    private func merged(_ pair: DuplicateRow) -> some View {
        Section {
            Text(words["today.merged", ["name": pair.first.name]])
            Button(words["today.undo_merge"], systemImage: "arrow.uturn.backward") {
                Task { await model.undoMerge() }
            }
        }
    }

    private func line(_ member: DuplicateMember) -> String {
        joined([
            member.name, member.sex.map { words.code("sex", $0) }, member.birthday,
            member.lastVisit.map { "\(words["member.last_visit"]) \(words.date($0))" }, yuan(member.totalFen),
        ])
    }
}

import ClerkFFI
import ClerkKit
import SwiftUI

/// The store's members by conditions: how many, who, and a message or a call for them.
struct MembersView: View {
    let app: AppModel
    let model: GroupModel
    @State private var naming = false
    @State private var all = false

    private var words: Wording { app.words }
    private var asked: GroupConditions { model.asked.conditions }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if let counts = model.counts {
                saved
                conditions(counts)
                if model.busy { Waiting(words["state.working"]) }
                if let made = model.made { self.made(made) }
                members
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["nav.members"])
        .task(id: model.asked) { await model.follow() }
        .safeAreaInset(edge: .bottom) { forAll }
        .felt(.success, model.made)
        .sheet(isPresented: $naming) {
            AskText(
                title: words["groups.keep"], label: words["field.group_name"], yes: words["act.save"], words: words
            ) { name in Task { await model.keep(name) } }
        }
    }

    // MARK: Conditions

    @ViewBuilder private var saved: some View {
        if !model.saved.isEmpty {
            Section {
                ForEach(model.saved, id: \.name) { filter in
                    Button {
                        model.show(model.asked.kept == filter ? nil : filter)
                    } label: {
                        Label(filter.name, systemImage: model.asked.kept == filter ? "checkmark.circle" : "circle")
                    }
                    .swipeActions {
                        Button(words["groups.forget", ["name": filter.name]], role: .destructive) {
                            Task { await model.forget(filter) }
                        }
                    }
                }
            }
        }
    }

    @ViewBuilder private func conditions(_ counts: MemberCounts) -> some View {
        choices(counts.classes, asked.classes, group: "class") { model.ask(asked.with(classes: $0)) }
        choices(counts.medicines, asked.medicines, group: "medicine") { model.ask(asked.with(medicines: $0)) }
        Choice(text: words["groups.birthday", ["n": counts.birthdays]], chosen: asked.birthday) {
            model.ask(asked.with(birthday: !asked.birthday))
        }
        choices(counts.care, asked.care, group: "care") { model.ask(asked.with(care: $0)) }
        choices(few(counts.diseases), asked.diseases, group: "disease") { model.ask(asked.with(diseases: $0)) }
        choices(few(counts.tags), asked.tags, group: nil) { model.ask(asked.with(tags: $0)) }
        if !all, max(counts.diseases.count, counts.tags.count) > fewAtFirst {
            Button(words["groups.all"]) { all = true }
        }
    }

    private func few(_ counts: [CodeCount]) -> [CodeCount] { all ? counts : Array(counts.prefix(fewAtFirst)) }

    /// Words of one kind: those that are chosen are alternatives. `group`: that of their codes in the catalogue; tags
    /// are words already.
    @ViewBuilder private func choices(
        _ counts: [CodeCount], _ chosen: [String], group: String?, choose: @escaping @MainActor ([String]) -> Void
    ) -> some View {
        if !counts.isEmpty {
            Wrap(minimum: 120) {
                ForEach(counts, id: \.code) { count in
                    let on = chosen.contains(count.code)
                    let name = group.map { words.code($0, count.code) } ?? count.code
                    Choice(text: "\(name) \(count.count)", chosen: on) {
                        choose(on ? chosen.filter { $0 != count.code } : chosen + [count.code])
                    }
                }
            }
        }
    }

    // MARK: Who fits

    @ViewBuilder private var members: some View {
        if let count = model.count {
            if count == 0 { ContentUnavailableView(words["groups.nobody"], systemImage: "person.2.slash") }
            ForEach(model.members, id: \.memberId) { member in
                HStack {
                    let on = model.picked.contains(member.memberId)
                    Button {
                        model.picked.formSymmetricDifference([member.memberId])
                    } label: {
                        Image(systemName: on ? "checkmark.circle.fill" : "circle").font(.title2).touchable()
                    }
                    .buttonStyle(.borderless)
                    .accessibilityLabel(words["groups.pick", ["name": member.name]])
                    .accessibilityAddTraits(on ? .isSelected : [])
                    LeadingRow {
                        app.way.to(.member(member.memberId))
                    } content: {
                        MemberLine(member: member, words: words)
                    }
                }
            }
            if count > model.members.count { Button(words["history.more"]) { Task { await model.more() } } }
        } else {
            ContentUnavailableView(words["groups.ask"], systemImage: "line.3.horizontal.decrease.circle")
        }
    }

    private func made(_ made: GroupTasks) -> some View {
        Section {
            Text(words["groups.made", ["n": made.made.count]])
            ForEach(made.refused, id: \.id) { Text("\($0.name)：\(words.refused($0))") }
        }
    }

    /// What is done for those who were picked, or for all: under the thumb, and in sight while conditions are added.
    @ViewBuilder private var forAll: some View {
        if let count = model.count {
            VStack(spacing: 8) {
                Text(words["groups.count", ["n": count]]).font(.headline)
                if count > 0 {
                    HStack {
                        Big(text: words["groups.message", ["n": model.chosenCount]], picture: "message") {
                            Task {
                                let ids = await model.chosen()
                                if !ids.isEmpty { app.way.to(.message(ids)) }
                            }
                        }
                        Button(words["groups.calls", ["n": model.chosenCount]]) { Task { await model.makeCalls() } }
                            .buttonStyle(.bordered)
                            .controlSize(.large)
                            .disabled(model.busy)
                        if model.asked.kept == nil {
                            Button(words["groups.keep"]) { naming = true }.buttonStyle(.bordered).controlSize(.large)
                        }
                    }
                }
            }
            .padding()
            .background(.bar)
        }
    }
}

import ClerkFFI
import ClerkKit
import SwiftUI

/// The counter: a member by phone digits, name, initials or card, while it is still greeted.
struct CounterView: View {
    @Bindable private var model: SearchModel
    private let app: AppModel
    @State private var asking = false

    init(app: AppModel) {
        self.app = app
        model = app.search
    }

    private var words: Wording { app.words }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            PartialSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if model.cameraDenied { Text(words["pairing.camera_denied"]).foregroundStyle(.red) }
            found
            if model.lookingUp { Waiting(words["counter.looking_up"]) }
        }
        .navigationTitle(words["nav.counter"])
        .searchable(
            text: $model.query, placement: .navigationBarDrawer(displayMode: .always),
            prompt: Text(words["counter.hint"])
        )
        // Digits first; the keyboard leads to letters itself.
        .keyboardType(.numbersAndPunctuation)
        .autocorrectionDisabled()
        .textInputAutocapitalization(.never)
        .toolbar {
            ToolbarItem(placement: .topBarTrailing) {
                if app.device.canScan {
                    Button(words["counter.scan"], systemImage: "qrcode.viewfinder") {
                        Task { await model.scan(by: app.device) }
                    }
                }
            }
            ToolbarItem(placement: .topBarTrailing) {
                Button(words["counter.register"], systemImage: "person.badge.plus") { register() }
            }
        }
        .task(id: model.query) { await model.follow() }
        .sheet(isPresented: $asking) {
            AskText(
                title: words["load.look_up"], label: words["counter.reason"], yes: words["counter.look_up"],
                words: words
            ) { reason in
                Task { await model.lookUp(reason: reason) }
            }
        }
    }

    @ViewBuilder private var found: some View {
        if let found = model.found {
            if let none = found.none { ContentUnavailableView(words.said(none), systemImage: "magnifyingglass") }
            if found.nobody { elsewhere }
            if !found.members.isEmpty {
                Section(found.recent ? words["counter.recent"] : "") {
                    ForEach(found.members, id: \.memberId) { member in
                        LeadingRow {
                            app.way.to(.member(member.memberId))
                        } content: {
                            MemberLine(member: member, words: words)
                        }
                    }
                }
            }
        } else if model.failure == nil {
            Waiting(words["state.reading"])
        }
    }

    /// Nobody here fits: somebody new, or one whom the hub knows.
    @ViewBuilder private var elsewhere: some View {
        Button(words["counter.register"], systemImage: "person.badge.plus") { register() }
        Button(words["load.look_up"], systemImage: "building.2") { asking = true }
        Text(words["counter.whole"]).font(.footnote).foregroundStyle(.secondary)
    }

    private func register() { app.way.to(.register(model.query)) }
}

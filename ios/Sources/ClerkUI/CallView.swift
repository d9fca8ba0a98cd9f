import ClerkFFI
import ClerkKit
import SwiftUI

/// A call, from what to say to what came of it.
struct CallView: View {
    private let app: AppModel
    private let place: Place
    @State private var model: CallModel?

    init(app: AppModel, place: Place) {
        self.app = app
        self.place = place
    }

    /// With a model that somebody else holds.
    init(app: AppModel, place: Place, model: CallModel) {
        self.init(app: app, place: place)
        _model = State(initialValue: model)
    }

    private var words: Wording { app.words }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            if let model {
                who(model)
                Refusal(model.failure, words)
                step(model)
            } else {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["call.title"])
        .navigationBarTitleDisplayMode(.inline)
        .safeAreaInset(edge: .bottom) { if let model { bottom(model) } }
        .task {
            // The one that is under way, also when the app was ended during the call.
            if model == nil { model = await app.call(place) }
            await model?.look()
        }
        // What was said of a call is forgotten when its screen is left; what is still to be said, the core knows.
        .onDisappear { app.leave(place) }
        .felt(.success, recorded)
        .felt(.error, model?.failure)
        .sensoryFeedback(.selection, trigger: app.dialWatch.state)
    }

    private var recorded: RecordedOutcome? {
        if case .recorded(let outcome) = model?.phase { outcome } else { nil }
    }

    // MARK: Who, and how far it is

    @ViewBuilder private func who(_ model: CallModel) -> some View {
        if let member = model.member {
            Section {
                Beside {
                    Text(member.name).font(.title2)
                    Text(words.about(member))
                    if member.allergies { Sign(text: words["mark.allergies"], stands: true) }
                    if let code = member.class { Sign(text: words.code("class", code), color: .accentColor) }
                }
                Text(words.phone(member.phoneMasked))
                if let task = model.task { Text(words.why(task)) }
            }
        }
    }

    @ViewBuilder private func step(_ model: CallModel) -> some View {
        switch model.phase {
        case .ready: script(model)
        case .calling:
            if app.dialWatch.state == .declined { carrier(model) }
            if model.taskId != nil {
                OutcomesView(app: app, model: model, title: words["call.outcome_if_answered"])
            }
            if app.dialWatch.state != .declined { carrier(model) }
            script(model)
        case .outcome:
            OutcomesView(app: app, model: model, title: words["call.outcome"])
            script(model)
        case .recorded(let outcome):
            RecordedView(model: model, outcome: outcome, words: words)
            recording(model)
        case .over(let ended):
            if ended.numberMarked { Danger(words["call.number_marked"]) }
            if let task = ended.task { Text(words.said(task.after)).font(.headline) }
            recording(model)
        }
    }

    @ViewBuilder private func script(_ model: CallModel) -> some View {
        if let script = model.script {
            Section(script.title) {
                Text(script.text)
                ForEach(script.points, id: \.self) { Label($0, systemImage: "quote.bubble") }
            }
        }
    }

    /// Where the recording is, or why there is none.
    @ViewBuilder private func recording(_ model: CallModel) -> some View {
        if let row = model.recording {
            Text(
                joined([
                    words.code("recording_state", row.state), row.reason.map { words.code("recording_reason", $0) },
                ])
            )
            .foregroundStyle(.secondary)
        }
    }

    /// What the carrier said, of a call that was not answered.
    private func carrier(_ model: CallModel) -> some View {
        Section(words[model.taskId == nil ? "call.result" : "call.not_answered"]) {
            Wrap {
                ForEach(model.results, id: \.self) { result in
                    Choice(text: words.code("carrier", of: result), chosen: false) {
                        Task {
                            await model.ended(result)
                            app.dialWatch.done()
                        }
                    }
                }
            }
        }
    }

    // MARK: The dial, and the way on

    @ViewBuilder private func bottom(_ model: CallModel) -> some View {
        VStack(spacing: 8) {
            switch model.phase {
            case .ready: dial(model)
            case .recorded, .over:
                Big(text: words[app.way.overTasks ? "call.next" : "call.done"], picture: "arrow.right") {
                    Task { await app.goOn(from: place) }
                }
            case .calling, .outcome: EmptyView()
            }
        }
        .padding()
        .background(.bar)
    }

    /// The dial, or why it is not to be.
    @ViewBuilder private func dial(_ model: CallModel) -> some View {
        if let reason = model.verdict?.reason {
            Danger(words.gate(reason))
            if let until = model.verdict?.untilMs {
                Text(words["call.allowed_from", ["when": words.instant(until)]])
            }
            if let member = model.member {
                Button(words["call.profile"]) { app.way.instead(.member(member.memberId)) }
            }
        }
        Big(text: words["call.dial"], picture: "phone") {
            Task { await model.dial(by: app.device, watch: app.dialWatch) }
        }
        .disabled(model.verdict?.verdict != .allow || model.busy)
    }
}

/// What came of an answered call: a touch records it, or asks for what belongs to it.
struct OutcomesView: View {
    let app: AppModel
    let model: CallModel
    let title: String
    @State private var asked: OutcomeChoice?
    @State private var note = ""

    private var words: Wording { app.words }

    var body: some View {
        if let offered = model.offered {
            Section(title) {
                Wrap(minimum: 120) {
                    ForEach(offered.choices, id: \.self) { choice in
                        Choice(text: words.code("outcome", of: choice.code), chosen: asked == choice) {
                            if choice.asks {
                                model.tryAgain()
                                asked = choice
                            } else {
                                record(NewOutcome(code: choice.code, note: note))
                            }
                        }
                    }
                }
                TextField(words["call.note"], text: $note, axis: .vertical)
            }
            .disabled(model.busy)
            .sheet(isPresented: shown($asked)) { question(offered) }
        }
    }

    /// What was asked is asked until it is stored.
    private func record(_ outcome: NewOutcome) {
        Task {
            await model.record(outcome)
            if model.failure == nil { asked = nil }
        }
    }

    @ViewBuilder private func question(_ offered: OutcomeChoices) -> some View {
        if let asked {
            OutcomeQuestion(app: app, model: model, offered: offered, choice: asked, note: $note, record: record)
                .disabled(model.busy)
        }
    }
}

/// What belongs to an outcome: which medicine, which day, a note.
struct OutcomeQuestion: View {
    let app: AppModel
    let model: CallModel
    let offered: OutcomeChoices
    let choice: OutcomeChoice
    @Binding var note: String
    let record: @MainActor (NewOutcome) -> Void
    @State private var medicine: String?

    private var words: Wording { app.words }

    var body: some View {
        Question(title: words.code("outcome", of: choice.code), words: words) {
            Form {
                Refusal(model.failure, words)
                if choice.medicine != .notAsked {
                    Section(words["call.which_medicine"]) {
                        Wrap {
                            ForEach(offered.medicines, id: \.self) { name in
                                Choice(text: name, chosen: (medicine ?? offered.medicine) == name) { medicine = name }
                            }
                        }
                    }
                }
                if choice.day != .notAsked {
                    Section(words.code("outcome_day", of: choice.code)) {
                        DaysView(app: app, last: choice.lastDay) { done(on: $0) }
                    }
                }
                Section(choice.note == .required ? words["call.which_note"] : words["call.note"]) {
                    TextField(words["call.note"], text: $note, axis: .vertical)
                }
                // What needs a day is recorded by choosing it.
                if choice.day != .required { Button(words["call.record"]) { done(on: nil) } }
            }
        }
    }

    private func done(on day: CivilDate?) {
        record(NewOutcome(code: choice.code, date: day, ingredient: medicine, note: note))
    }
}

/// What was recorded and what follows; for a while it can be taken back.
struct RecordedView: View {
    let model: CallModel
    let outcome: RecordedOutcome
    let words: Wording
    @State private var held = true

    var body: some View {
        Section(words["call.recorded"]) {
            Text(outcome.task.outcome.map { words.code("outcome", $0) } ?? "").font(.title2)
            Text(words.said(outcome.task.after))
            if let followUp = outcome.followUp {
                Danger(words["call.follow_up", ["who": followUp.assigneeName ?? words["list.anyone"]]])
            }
            if held {
                Button(words["call.take_back"], systemImage: "arrow.uturn.backward") { Task { await model.takeBack() } }
            }
        }
        .task(id: outcome.outcomeId) {
            held = true
            try? await Task.sleep(for: .milliseconds(outcome.heldMs))
            if !Task.isCancelled { held = false }
        }
    }
}

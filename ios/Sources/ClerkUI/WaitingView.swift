import ClerkFFI
import ClerkKit
import SwiftUI

/// Messages that wait for the clerk: those that were put off until now, and those of which it did not say what became.
struct WaitingView: View {
    let app: AppModel
    let model: WaitingModel
    @State private var due: MessageModel

    init(app: AppModel, model: WaitingModel, due: MessageModel? = nil) {
        self.app = app
        self.model = model
        _due = State(initialValue: due ?? MessageModel(core: app.core, to: .members([])))
    }

    private var words: Wording { app.words }
    /// What is here to be handed over is not asked for too.
    private var untold: [OpenMessage]? {
        let here = Set(due.result?.ready.map(\.key) ?? [])
        return model.untold?.filter { !here.contains($0.key) }
    }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure ?? due.failure, words)
            if let result = due.result { MessageOutcome(app: app, model: due, result: result) }
            if let untold, let deferred = model.deferred {
                if untold.isEmpty, deferred.isEmpty, due.result == nil {
                    ContentUnavailableView(words["message.none_waiting"], systemImage: "checkmark.message")
                }
                if !untold.isEmpty { Section(words["message.untold"]) { ForEach(untold, id: \.key) { ask($0) } } }
                ForEach(deferred, id: \.key) { later in
                    Section(later.name) {
                        Text(words.gate(later.reason))
                        Text(words["message.later", ["when": words.instant(later.untilMs)]])
                    }
                }
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["message.waiting"])
        .navigationBarTitleDisplayMode(.inline)
        .task { await model.follow() }
        .safeAreaInset(edge: .bottom) {
            Big(text: words["message.release"], picture: "message") { Task { await due.release() } }
                .disabled(due.busy || model.deferred?.contains { $0.due } != true)
                .padding()
                .background(.bar)
        }
        .feltOf(due.handed)
    }

    /// A message of which the clerk says whether it was sent.
    private func ask(_ message: OpenMessage) -> some View {
        VStack(alignment: .leading, spacing: 6) {
            Text(joined([message.name, words.code("channel", message.channel), words.instant(message.atMs)]))
            HStack {
                Button(words["message.again"]) { Task { await due.handAgain(message.key, by: app.device) } }
                SentAnswers(words: words) { tell(message, $0) }
            }
            .buttonStyle(.bordered)
            .disabled(due.busy)
        }
    }

    private func tell(_ message: OpenMessage, _ sent: Bool) { Task { await model.told(message, sent: sent) } }
}

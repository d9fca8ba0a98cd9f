import ClerkFFI
import ClerkKit
import SwiftUI

/// A message from a template: how it will read, whom the gate lets it reach, and the way into the app that sends it.
struct MessageView: View {
    let app: AppModel
    let model: MessageModel

    private var words: Wording { app.words }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if let result = model.result {
                MessageOutcome(app: app, model: model, result: result)
            } else if let chosen = model.chosen, let previews = model.previews {
                preview(chosen, previews)
            } else if let templates = model.templates {
                if templates.isEmpty {
                    ContentUnavailableView(words["message.no_templates"], systemImage: "text.bubble")
                }
                ForEach(templates, id: \.templateId) { line($0) }
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["message.title", ["n": model.memberIds.count]])
        .navigationBarTitleDisplayMode(.inline)
        .task { await model.begin() }
        .feltOf(model.handed)
    }

    // MARK: Which, and how it reads

    private func line(_ row: TemplateRow) -> some View {
        LeadingRow {
            Task { await model.choose(row) }
        } content: {
            VStack(alignment: .leading, spacing: 6) {
                HStack {
                    Text(row.title).font(.headline)
                    Sign(text: words.code("channel", of: row.channel))
                    Sign(text: words.code("purpose", row.purpose))
                }
                Text(row.text).font(.subheadline).foregroundStyle(.secondary)
                ForEach(row.findings, id: \.self) { Sign(text: words.code("finding", $0), stands: true) }
            }
        }
        .disabled(!row.findings.isEmpty)
    }

    @ViewBuilder private func preview(_ chosen: TemplateRow, _ previews: MessagePreviews) -> some View {
        Section(chosen.title) {
            ForEach(previews.shown, id: \.memberId) { preview in
                VStack(alignment: .leading, spacing: 6) {
                    Text(joined([preview.name, words.phone(preview.phoneMasked)], by: "  ")).font(.headline)
                    Text(preview.text)
                    if let reason = preview.gate.reason {
                        Sign(text: words.gate(reason), stands: true)
                        if let until = preview.gate.untilMs {
                            Text(words["message.later", ["when": words.instant(until)]])
                        }
                    } else {
                        Sign(text: words["message.allowed"], color: .green)
                    }
                }
            }
            if previews.more > 0 { Text(words["message.more", ["n": previews.more]]) }
        }
        Big(text: words["message.send"], picture: "message") { Task { await model.send() } }
            .disabled(model.busy || !previews.possible)
    }
}

/// What became of messages: what goes out, what waits, and who is refused and why.
struct MessageOutcome: View {
    let app: AppModel
    let model: MessageModel
    let result: MessageResult

    private var words: Wording { app.words }

    var body: some View {
        Text(
            words[
                "message.counts",
                [
                    "ready": result.ready.count, "deferred": result.deferred.count, "refused": result.refused.count,
                ]]
        )
        .font(.headline)
        if !result.reasons.isEmpty { refused }
        if model.left.count > 1 {
            Big(text: words["message.sms_each", ["n": model.left.count]], picture: "message") {
                Task { await model.handEach(by: app.device) }
            }
            .disabled(model.busy)
        }
        ForEach(result.ready, id: \.key) { out in self.out(out) }
        ForEach(result.deferred, id: \.key) { later in
            Section(later.name) {
                let values = ["why": words.gate(later.reason), "when": words.instant(later.untilMs)]
                Text(words["message.deferred", values])
            }
        }
    }

    /// Who is refused, by reason.
    private var refused: some View {
        Section(words["message.refused", ["n": result.refused.count]]) {
            ForEach(result.reasons, id: \.self) { reason in
                Sign(text: words.reason(reason.code, reason.values), stands: true)
                Text(joined(reason.names, by: "、"))
            }
        }
    }

    private func out(_ out: MessageOut) -> some View {
        Section(joined([out.name, out.phoneMasked], by: "  ")) {
            let state = model.handed[out.key]
            // What is sent makes room for the next ones.
            if state != .sent { Text(out.text) }
            let asked = model.opened.contains(out.key)
            if let state, !asked { Sign(text: words.code("send", of: state), stands: state == .failed) }
            if model.copied == out.key { Text(words["message.copied"]) }
            if state != .sent {
                if out.channel == .wechat {
                    Button(words["message.wechat"], systemImage: "message") { hand(out, to: .wechat) }
                    Button(words["message.wecom"], systemImage: "message") { hand(out, to: .wecom) }
                } else {
                    Big(text: words["message.sms"], picture: "message") { hand(out) }
                }
            }
            if asked { wasItSent(out) }
        }
    }

    /// Whether a message was sent that another app has.
    @ViewBuilder private func wasItSent(_ out: MessageOut) -> some View {
        Text(words["message.sent_question"]).font(.headline)
        HStack { SentAnswers(words: words) { sent in Task { await model.told(out, sent: sent) } } }
            .buttonStyle(.bordered)
            .disabled(model.busy)
    }

    private func hand(_ out: MessageOut, to target: ShareTarget? = nil) {
        Task { await model.hand(out, to: target, by: app.device) }
    }
}

/// The clerk's answers to whether a message was sent.
struct SentAnswers: View {
    let words: Wording
    let tell: @MainActor (Bool) -> Void

    var body: some View {
        Button(words["message.was_sent"]) { tell(true) }
        Button(words["message.not_sent"]) { tell(false) }
    }
}

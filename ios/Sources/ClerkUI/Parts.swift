import ClerkFFI
import ClerkKit
import SwiftUI

/// What must be seen before anything else: a picture, a colour and words.
struct Danger: View {
    let text: String

    init(_ text: String) { self.text = text }

    var body: some View {
        Label(text, systemImage: "exclamationmark.triangle.fill")
            .font(.headline)
            .foregroundStyle(.red)
            .accessibilityElement(children: .combine)
    }
}

/// Why something was not done, and what to do.
struct Refusal: View {
    let failure: Failure?
    let words: Wording

    init(_ failure: Failure?, _ words: Wording) {
        self.failure = failure
        self.words = words
    }

    var body: some View {
        if let failure {
            Label(words.failure(failure), systemImage: "exclamationmark.circle").foregroundStyle(.red)
        }
    }
}

/// A short word about something. What stands out does so by its picture too.
struct Sign: View {
    let text: String
    var color = Color.secondary
    var stands = false

    var body: some View {
        HStack(spacing: 4) {
            if stands { Image(systemName: "exclamationmark.triangle.fill").accessibilityHidden(true) }
            Text(text)
        }
        .font(.footnote)
        .foregroundStyle(stands ? Color.red : color)
        .padding(.horizontal, 8)
        .padding(.vertical, 3)
        .background((stands ? Color.red : color).opacity(0.14), in: Capsule())
    }
}

/// A figure with its name below.
struct Figure: View {
    let value: String
    let name: String

    var body: some View {
        VStack(alignment: .leading) {
            Text(value).font(.headline).monospacedDigit()
            Text(name).font(.footnote).foregroundStyle(.secondary)
        }
        .accessibilityElement(children: .combine)
    }
}

/// Figures and other small things beside each other, as many as fit.
struct Wrap<Content: View>: View {
    var minimum: CGFloat = 88
    @ViewBuilder let content: Content

    var body: some View {
        LazyVGrid(columns: [GridItem(.adaptive(minimum: minimum))], alignment: .leading, spacing: 10) { content }
    }
}

/// Small things beside each other, or below each other where letters are large.
struct Beside<Content: View>: View {
    @ViewBuilder let content: Content

    var body: some View {
        ViewThatFits(in: .horizontal) {
            HStack { content }
            VStack(alignment: .leading, spacing: 6) { content }
        }
    }
}

/// So many diseases and tags are shown until all are asked for.
let fewAtFirst = 6

/// One of several to choose from.
struct Choice: View {
    let text: String
    let chosen: Bool
    let choose: @MainActor () -> Void

    var body: some View {
        Button(action: choose) {
            Text(text)
                .frame(maxWidth: .infinity, minHeight: 36)
                .multilineTextAlignment(.center)
        }
        .buttonStyle(.bordered)
        .tint(chosen ? Color.accentColor : Color.secondary)
        .accessibilityAddTraits(chosen ? .isSelected : [])
    }
}

/// A button that is large enough to hit without looking.
struct Big: View {
    let text: String
    let picture: String
    let act: @MainActor () -> Void

    var body: some View {
        Button(action: act) {
            Label(text, systemImage: picture).font(.headline).frame(maxWidth: .infinity, minHeight: 32)
        }
        .buttonStyle(.borderedProminent)
        .controlSize(.large)
    }
}

/// A member in a list.
struct MemberLine: View {
    let member: MemberRow
    let words: Wording

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Beside {
                Text(member.name).font(.headline)
                Text(words.about(member)).font(.subheadline)
                if let code = member.class { Sign(text: words.code("class", code), color: .accentColor) }
            }
            Beside {
                Text(words.phone(member.phoneMasked)).font(.subheadline).foregroundStyle(.secondary)
                ForEach(member.marks, id: \.self) { Sign(text: words.said($0.say), stands: $0.standsOut) }
            }
        }
        .accessibilityElement(children: .combine)
    }
}

/// A line of a list that leads to a screen.
struct LeadingRow<Content: View>: View {
    let go: @MainActor () -> Void
    @ViewBuilder let content: Content

    var body: some View {
        Button(action: go) {
            HStack {
                content
                Spacer(minLength: 0)
                Image(systemName: "chevron.right").foregroundStyle(.secondary).accessibilityHidden(true)
            }
        }
        .buttonStyle(.plain)
    }
}

/// A question over a screen, with a way out of it.
struct Question<Content: View>: View {
    let title: String
    let words: Wording
    /// The button at the top that answers it; none: what is asked answers by itself.
    var yes: Yes?
    @ViewBuilder let content: Content
    @Environment(\.dismiss) private var dismiss

    struct Yes {
        let text: String
        var possible = true
        let answer: @MainActor () -> Void
    }

    var body: some View {
        NavigationStack {
            content
                .navigationTitle(title)
                .navigationBarTitleDisplayMode(.inline)
                .toolbar {
                    ToolbarItem(placement: .cancellationAction) { Button(words["act.cancel"]) { dismiss() } }
                    if let yes {
                        ToolbarItem(placement: .confirmationAction) {
                            Button(yes.text) {
                                yes.answer()
                                dismiss()
                            }
                            .disabled(!yes.possible)
                        }
                    }
                }
        }
        .presentationDetents([.medium, .large])
    }
}

/// A question whose answer is typed.
struct AskText: View {
    let title: String
    let label: String
    let yes: String
    let words: Wording
    /// It may be of several lines.
    var long = false
    let answer: @MainActor (String) -> Void
    @State private var text = ""

    private var empty: Bool { text.allSatisfy(\.isWhitespace) }

    var body: some View {
        Question(title: title, words: words, yes: .init(text: yes, possible: !empty) { answer(text) }) {
            Form { TextField(label, text: $text, axis: long ? .vertical : .horizontal) }
        }
    }
}

/// Something in a list: what it is, what matters about it, and smaller what else is known.
struct Entry<Head: View>: View {
    var middle: String?
    let below: String
    @ViewBuilder let head: Head

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Beside { head }
            if let middle { Text(middle) }
            if !below.isEmpty { Text(below).font(.subheadline).foregroundStyle(.secondary) }
        }
        .accessibilityElement(children: .combine)
    }
}

extension View {
    /// Large enough to be hit, whatever is drawn in it.
    func touchable() -> some View { frame(minWidth: 48, minHeight: 48).contentShape(Rectangle()) }

    /// Felt when there is something new; that it goes is not felt.
    func felt<T: Equatable>(_ feedback: SensoryFeedback, _ what: T?) -> some View {
        sensoryFeedback(feedback, trigger: what) { _, now in now != nil }
    }

    /// Felt when it becomes known what became of messages.
    func feltOf(_ handed: [String: SendState]) -> some View {
        sensoryFeedback(trigger: handed) { feedback($0, $1) }
    }
}

/// What is felt when it became known of messages what became of them: that one failed before that one went out.
func feedback(_ before: [String: SendState], _ now: [String: SendState]) -> SensoryFeedback? {
    let new = now.filter { before[$0.key] != $0.value }.values
    if new.contains(.failed) { return .error }
    return new.isEmpty ? nil : .success
}

/// Whether there is something to present.
@MainActor
func shown<T>(_ what: Binding<T?>) -> Binding<Bool> {
    Binding(get: { what.wrappedValue != nil }, set: { if !$0 { what.wrappedValue = nil } })
}

/// Waiting, with words for what.
struct Waiting: View {
    let text: String

    init(_ text: String) { self.text = text }

    var body: some View { ProgressView(text).frame(maxWidth: .infinity, minHeight: 120) }
}

/// That the first load is not in: the phone is used with what is here.
struct PartialSign: View {
    let sync: SyncModel
    let words: Wording

    var body: some View {
        if let load = sync.status?.firstLoad {
            Sign(text: words["load.partial", ["done": thousands(load.membersDone), "total": thousands(load.members)]])
        }
    }
}

/// That the hub is not to be reached: everything goes on, and the clerk knows. Where no waiting mends it, that stands
/// out, and the phone's screen says why.
struct OfflineSign: View {
    let sync: SyncModel
    let words: Wording

    var body: some View {
        switch sync.failure?.kind {
        case .offline:
            let waiting = sync.status?.waiting ?? 0
            Sign(
                text: waiting > 0 ? words["state.offline_waiting", ["n": waiting]] : words["state.offline"],
                color: .orange)
        case .hub: Sign(text: words["state.no_sync"], stands: true)
        default: EmptyView()
        }
    }
}

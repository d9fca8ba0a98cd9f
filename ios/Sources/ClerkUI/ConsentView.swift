import ClerkFFI
import ClerkKit
import SwiftUI

/// A consent that the member is asked for, or that it withdraws.
struct ConsentAsked: Equatable {
    let form: ConsentForm
    let withdraw: Bool
}

/// The words of a consent, as they are shown to the member before it says yes.
struct ConsentView: View {
    let asked: ConsentAsked
    let words: Wording
    let answer: @MainActor (NewConsent) -> Void
    @Environment(\.dismiss) private var dismiss

    private var purpose: String { words.code("consent", asked.form.purpose) }

    var body: some View {
        NavigationStack {
            ScrollView {
                Text(
                    asked.withdraw
                        ? words["member.withdraw_text", ["purpose": purpose]]
                        : words["consent_words.\(asked.form.purpose)"]
                )
                .font(.title3)
                .padding()
            }
            .navigationTitle(purpose)
            .navigationBarTitleDisplayMode(.inline)
            .toolbar {
                ToolbarItem(placement: .cancellationAction) { Button(words["act.cancel"]) { dismiss() } }
                ToolbarItem(placement: .confirmationAction) {
                    Button(words[asked.withdraw ? "member.withdraw" : "consent.yes"]) {
                        answer(asked.form.answer(granted: !asked.withdraw))
                        dismiss()
                    }
                }
            }
        }
        .presentationDetents([.medium, .large])
    }
}

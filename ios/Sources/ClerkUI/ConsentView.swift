import ClerkFFI
import ClerkKit
import SwiftUI

/// A consent that the member is asked for, or that it withdraws.
struct ConsentAsked: Equatable {
    let form: ConsentForm
    let withdraw: Bool
}

/// The words of a consent, as they are shown to the member before it says yes and signs.
struct ConsentView: View {
    let asked: ConsentAsked
    let words: Wording
    let answer: @MainActor (NewConsent, DrawnSignature?) -> Void
    @State private var signature: DrawnSignature?

    private var purpose: String { words.code("consent", asked.form.purpose) }
    private var yes: String { words[asked.withdraw ? "member.withdraw" : "consent.yes"] }

    var body: some View {
        Question(
            title: purpose, words: words,
            yes: .init(text: yes) { answer(asked.form.answer(granted: !asked.withdraw), signature) }
        ) {
            VStack {
                ScrollView {
                    Text(
                        asked.withdraw
                            ? words["member.withdraw_text", ["purpose": purpose]]
                            : words["consent_words.\(asked.form.purpose)"]
                    )
                    .font(.title3)
                    .padding()
                }
                // A withdrawal needs no proof.
                if !asked.withdraw { SignaturePad(words: words, purposes: [asked.form.purpose], signature: $signature) }
            }
        }
    }
}

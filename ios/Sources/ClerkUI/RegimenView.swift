import ClerkFFI
import ClerkKit
import SwiftUI

/// How a member takes a medicine: how much a day, until when it lasts, or that it is not taken any more.
struct RegimenQuestion: View {
    let ingredient: String
    let words: Wording
    let answer: @MainActor (NewRegimen) -> Void
    private let inactive: Bool
    @State private var units: String

    init(
        ingredient: String, known: RegimenRow?, words: Wording, answer: @escaping @MainActor (NewRegimen) -> Void
    ) {
        self.ingredient = ingredient
        self.words = words
        self.answer = answer
        inactive = known?.inactive == true
        _units = State(initialValue: known?.dailyUnitsMilli.map { decimal($0) } ?? "")
    }

    var body: some View {
        Question(title: ingredient, words: words) {
            Form {
                Section(words["field.daily_units"]) {
                    TextField(words["field.daily_units"], text: $units).keyboardType(.decimalPad)
                    Button(words["act.save"]) { answer(NewRegimen(ingredient: ingredient, dailyUnitsMilli: milli)) }
                        .disabled(milli == nil)
                }
                Section(words.code("outcome_day", of: OutcomeCode.stillHasStock)) {
                    DaysView(words: words) { answer(NewRegimen(ingredient: ingredient, stockUntil: $0)) }
                }
                Button(words[inactive ? "member.takes_again" : "member.stopped"]) {
                    answer(NewRegimen(ingredient: ingredient, inactive: !inactive))
                }
            }
        }
    }

    private var milli: Int64? { thousandths(units) }
}

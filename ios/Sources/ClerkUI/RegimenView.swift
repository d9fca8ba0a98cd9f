import ClerkFFI
import ClerkKit
import SwiftUI

/// How a member takes a medicine: how much a day, until when it lasts, or that it is not taken any more. Stays until it
/// is stored.
struct RegimenQuestion: View {
    private let app: AppModel
    private let model: MemberModel
    private let ingredient: String
    private let inactive: Bool
    private let stored: @MainActor () -> Void
    @State private var units: String

    init(
        app: AppModel, model: MemberModel, ingredient: String, known: RegimenRow?,
        stored: @escaping @MainActor () -> Void
    ) {
        self.app = app
        self.model = model
        self.ingredient = ingredient
        self.stored = stored
        inactive = known?.inactive == true
        _units = State(initialValue: known?.dailyUnitsMilli.map { decimal($0) } ?? "")
    }

    private var words: Wording { app.words }

    var body: some View {
        Question(title: ingredient, words: words) {
            Form {
                Refusal(model.failure, words)
                Section(words["field.daily_units"]) {
                    TextField(words["field.daily_units"], text: $units).keyboardType(.decimalPad)
                    Button(words["act.save"]) { store { await model.takes(ingredient, daily: units) } }
                        .disabled(units.isEmpty)
                }
                Section(words.code("outcome_day", of: OutcomeCode.stillHasStock)) {
                    DaysView(app: app) { day in
                        store { await model.regimen(NewRegimen(ingredient: ingredient, stockUntil: day)) }
                    }
                }
                Button(words[inactive ? "member.takes_again" : "member.stopped"]) {
                    store { await model.regimen(NewRegimen(ingredient: ingredient, inactive: !inactive)) }
                }
            }
            .disabled(model.busy)
        }
    }

    private func store(_ what: @escaping @MainActor () async -> Bool) {
        Task { if await what() { stored() } }
    }
}

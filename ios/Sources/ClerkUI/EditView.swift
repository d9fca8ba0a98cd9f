import ClerkFFI
import ClerkKit
import SwiftUI

/// What is known of a member, corrected: a number that does not reach it, a name, an allergy.
struct EditView: View {
    let app: AppModel
    @Bindable var model: EditModel
    @State private var adding = false

    private var words: Wording { app.words }

    var body: some View {
        Form {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if let profile = model.profile {
                known(profile)
                allergies(profile)
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(words["member.edit"])
        .navigationBarTitleDisplayMode(.inline)
        .task { await model.follow() }
        .felt(.error, model.failure)
        .sheet(isPresented: $adding) {
            AskText(
                title: words["field.allergies"], label: words["field.allergies"], yes: words["act.add"], words: words
            ) { text in Task { await model.addAllergies(text) } }
        }
    }

    private func known(_ profile: Profile) -> some View {
        Section {
            TextField(words["field.name"], text: $model.name)
            TextField(
                words["member.new_phone", ["now": words.phone(profile.member.phoneMasked)]], text: $model.phone
            )
            .keyboardType(.phonePad)
            Picker(words["field.sex"], selection: $model.sex) {
                if model.sexUnknown { Text(words["member.unknown"]).tag(String?.none) }
                ForEach(model.sexes, id: \.self) { Text(words.code("sex", $0)).tag(String?.some($0)) }
            }
            TextField(words["register.birthday"], text: $model.birthday).keyboardType(.numbersAndPunctuation)
            Big(text: words["act.save"], picture: "checkmark") { Task { await save() } }
                .disabled(model.busy)
        }
    }

    /// What the member must not get; each is stored at once.
    private func allergies(_ profile: Profile) -> some View {
        Section(words["field.allergies"]) {
            ForEach(profile.allergies, id: \.text) { allergy in
                Text(allergy.text).swipeActions {
                    Button(words["act.clear"], role: .destructive) {
                        Task { await model.removeAllergy(allergy.text) }
                    }
                }
            }
            Button(words["act.add"], systemImage: "plus") { adding = true }
        }
    }

    private func save() async { if await model.save() { app.way.back() } }
}

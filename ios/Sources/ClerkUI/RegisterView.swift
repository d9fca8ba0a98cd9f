import ClerkFFI
import ClerkKit
import SwiftUI

/// A new member in half a minute: name and number, then what is said, then the consents in their words.
struct RegisterView: View {
    let app: AppModel
    @Bindable var model: RegisterModel
    @State private var all = false
    @State private var signing = false

    private var words: Wording { app.words }

    var body: some View {
        Form {
            OfflineSign(sync: app.sync, words: words)
            if let registered = model.registered { done(registered) } else { questions }
        }
        .navigationTitle(words["counter.register"])
        .navigationBarTitleDisplayMode(.inline)
        .task { await model.begin() }
        .felt(.success, model.registered)
        .felt(.error, model.failure)
        .onChange(of: model.registered) { _, registered in
            if let registered, registered.sameNumber.isEmpty { open(registered.member) }
        }
    }

    @ViewBuilder private var questions: some View {
        Section {
            TextField(words["field.name"], text: $model.name)
            TextField(words["field.phone"], text: $model.phone).keyboardType(.phonePad)
            Picker(words["field.sex"], selection: $model.sex) {
                Text(words["member.unknown"]).tag(String?.none)
                ForEach(model.sexes, id: \.self) { Text(words.code("sex", $0)).tag(String?.some($0)) }
            }
            TextField(words["register.birthday"], text: $model.birthday).keyboardType(.numbersAndPunctuation)
            TextField(words["register.allergies"], text: $model.allergies)
        }
        Section(words["field.diseases"]) {
            Wrap {
                ForEach(few, id: \.code) { disease in
                    Choice(text: words.code("disease", disease.code), chosen: model.diseases.contains(disease.code)) {
                        model.diseases.formSymmetricDifference([disease.code])
                    }
                }
            }
            if !all { Button(words["register.all_diseases"]) { all = true } }
        }
        Section(words["register.consents"]) {
            if model.consentForms.isEmpty, model.failure == nil { Waiting(words["state.reading"]) }
            ForEach(model.consentForms, id: \.purpose) { form in
                Toggle(isOn: given(form.purpose)) {
                    Text(words.code("consent", form.purpose)).font(.headline)
                    Text(words["consent_words.\(form.purpose)"])
                }
            }
            if !model.given.isEmpty { sign }
        }
        Section {
            Refusal(model.failure, words)
            Big(text: words["register.save"], picture: "checkmark") { Task { await model.register() } }
                .disabled(model.busy)
        }
    }

    /// The member signs what it says yes to; a chain that has it on paper goes on without.
    private var sign: some View {
        LabeledContent {
            Button(words[model.signature == nil ? "sign.ask" : "sign.again"], systemImage: "signature") {
                signing = true
            }
            .buttonStyle(.bordered)
        } label: {
            if model.signature != nil { Label(words["sign.signed"], systemImage: "checkmark") }
        }
        .fullScreenCover(isPresented: $signing) {
            SignConsents(forms: model.given, words: words) { signature in model.signature = signature }
        }
    }

    /// The first ones, and what was chosen; or all.
    private var few: [DiseaseRow] {
        let first = Set(model.offered.prefix(fewAtFirst).map(\.code))
        return model.offered.filter { all || first.contains($0.code) || model.diseases.contains($0.code) }
    }

    private func given(_ purpose: String) -> Binding<Bool> {
        Binding(
            get: { model.consents.contains(purpose) },
            set: { if $0 { model.consents.insert(purpose) } else { model.consents.remove(purpose) } })
    }

    /// Others on the same number: the same person, or its family.
    @ViewBuilder private func done(_ registered: Registered) -> some View {
        Text(words["register.done", ["name": registered.member.name]]).font(.title3)
        if !registered.sameNumber.isEmpty {
            Section {
                Text(words["register.same"])
                ForEach(registered.sameNumber, id: \.memberId) { other in
                    LeadingRow {
                        open(other)
                    } content: {
                        MemberLine(member: other, words: words)
                    }
                }
            }
        }
        Big(text: words["register.open"], picture: "person") { open(registered.member) }
    }

    private func open(_ member: MemberRow) { app.way.instead(.member(member.memberId)) }
}

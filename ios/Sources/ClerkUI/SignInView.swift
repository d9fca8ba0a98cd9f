import ClerkFFI
import ClerkKit
import SwiftUI

/// The door: who uses the phone, by PIN, finger or face.
struct SignInView: View {
    let app: AppModel
    @State private var chosen: String?

    private var words: Wording { app.words }
    private var model: SignInModel { app.signIn }
    /// Whoever the lock shut out is asked first.
    private var person: StaffRow? {
        let asked = chosen ?? (model.locked ? model.signedIn : nil)
        return model.staff?.first { $0.staffId == asked }
    }

    var body: some View {
        NavigationStack {
            if let person {
                PinView(app: app, person: person) {
                    chosen = ""
                    model.tryAgain()
                }
            } else {
                List {
                    Refusal(model.failure, words)
                    staff
                }
                .navigationTitle(words["signin.who"])
            }
        }
    }

    @ViewBuilder private var staff: some View {
        if let staff = model.staff {
            if staff.isEmpty { ContentUnavailableView(words["signin.nobody"], systemImage: "person.2.slash") }
            ForEach(staff, id: \.staffId) { row in
                LeadingRow {
                    chosen = row.staffId
                } content: {
                    Text(row.name).font(.title3)
                    Sign(text: words.code("role", row.role))
                    if row.pharmacist { Sign(text: words["signin.pharmacist"]) }
                    if row.offToday { Sign(text: words["signin.off"]) }
                    if row.openTasks > 0 {
                        Text(words["signin.tasks", ["n": row.openTasks]]).foregroundStyle(.secondary)
                    }
                }
            }
        } else if model.failure == nil {
            Waiting(words["state.reading"])
        }
    }
}

/// A PIN: the one that is set, or a new one, twice.
struct PinView: View {
    let app: AppModel
    let person: StaffRow
    let back: @MainActor () -> Void
    @State private var typed = ""
    @State private var first: String?
    @State private var differs = false
    @FocusState private var typing: Bool

    private var words: Wording { app.words }
    private var model: SignInModel { app.signIn }
    private var question: String {
        if person.hasPin { return words["signin.pin"] }
        return words[first == nil ? "signin.new_pin" : "signin.new_pin_again"]
    }

    var body: some View {
        Form {
            if model.locked, person.staffId == model.signedIn {
                Label(words["signin.locked"], systemImage: "lock")
            }
            SecureField(question, text: $typed).keyboardType(.numberPad).focused($typing)
            if differs { Text(words["signin.differs"]).foregroundStyle(.red) }
            Refusal(model.failure, words)
            Big(text: words["act.ok"], picture: "checkmark") { Task { await done() } }.disabled(typed.isEmpty)
            if !person.hasPin {
                Button(words["signin.without"]) { Task { await model.signIn(person.staffId) } }
            } else if app.device.biometrics {
                Button(words["signin.by_finger"], systemImage: "faceid") { Task { await recognise() } }
            }
        }
        .navigationTitle(person.name)
        .toolbar {
            ToolbarItem(placement: .cancellationAction) { Button(words["act.back"]) { back() } }
        }
        .felt(.error, model.failure)
        .onAppear { typing = true }
    }

    private func done() async {
        let pin = typed
        typed = ""
        differs = false
        model.tryAgain()
        if person.hasPin { return await model.signIn(person.staffId, pin: pin, on: app.device) }
        guard let chosen = first else {
            first = pin
            return
        }
        first = nil
        guard chosen == pin else {
            differs = true
            return
        }
        await model.setPin(person.staffId, new: pin)
        if model.failure == nil { await model.signIn(person.staffId, pin: pin, on: app.device) }
    }

    private func recognise() async {
        await model.recognise(person.staffId, reason: words["signin.recognise"], by: app.device)
    }
}

import ClerkFFI
import ClerkKit
import SwiftUI

/// A member at a glance: what is dangerous first, then who it is, then what to do.
struct MemberView: View {
    let app: AppModel
    let model: MemberModel
    @State private var why = false
    @State private var asked: Asked?
    @State private var consent: ConsentAsked?
    @State private var regimen: MedicineRow?
    @State private var planning = false

    /// What is written down of a member.
    private enum Asked { case note, tag }

    private var words: Wording { app.words }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Refusal(model.failure, words)
            if let profile = model.profile {
                warnings(profile)
                identity(profile)
                toSay(profile)
                medicines(profile)
                readings(profile)
                waits(profile)
                contact(profile)
                purchases(profile)
                notes(profile)
                tags(profile)
                consents(profile)
                household(profile)
            } else if model.failure == nil {
                Waiting(words["state.reading"])
            }
        }
        .navigationTitle(model.profile?.member.name ?? "")
        .navigationBarTitleDisplayMode(.inline)
        .toolbar {
            ToolbarItem(placement: .topBarTrailing) {
                Button(words["member.message"], systemImage: "message") { app.way.to(.message([model.memberId])) }
            }
        }
        .safeAreaInset(edge: .bottom) { call }
        .felt(.success, model.planned)
        .task { await model.follow() }
        .sheet(isPresented: shown($asked)) { question }
        .fullScreenCover(isPresented: shown($consent)) { consentQuestion }
        .sheet(isPresented: shown($regimen)) { regimenQuestion }
        .sheet(isPresented: $planning) {
            DayQuestion(app: app, title: words["member.call_when"]) { day in
                planning = false
                Task { await model.call(on: day) }
            }
        }
    }

    // MARK: What is dangerous, who it is

    @ViewBuilder private func warnings(_ profile: Profile) -> some View {
        if !profile.allergies.isEmpty {
            Danger(words["show.allergies", ["names": joined(profile.allergies.map(\.text), by: "、")]])
        }
        if profile.deceased { Danger(words["show.deceased"]) }
        if profile.doNotContact { Danger(words["show.do_not_contact"]) }
        if profile.phoneInvalid { Danger(words["show.phone_invalid"]) }
        if let day = profile.pausedUntil { Danger(words["show.paused", ["day": words.date(day)]]) }
    }

    private func identity(_ profile: Profile) -> some View {
        Section {
            Text(joined([words.about(profile.member), words.phone(profile.member.phoneMasked)], by: "  "))
            Beside {
                Sign(text: words.code("class", profile.class.class), color: .accentColor)
                Sign(text: words.code("care", profile.care))
                Sign(text: words["member.value", ["n": profile.class.valueIndex]])
                Button {
                    why.toggle()
                } label: {
                    Text(words["member.why"]).touchable()
                }
                .buttonStyle(.borderless)
            }
            if why { reason(profile.class) }
            if !profile.diseases.isEmpty { Text(joined(profile.diseases.map { words.code("disease", $0) })) }
            if let last = profile.lastVisit {
                Wrap {
                    Figure(value: words.date(last), name: words["member.last_visit"])
                    Figure(value: "\(profile.times)", name: words["member.times"])
                    Figure(value: yuan(profile.totalFen), name: words["member.total"])
                    if let fen = profile.basketFen { Figure(value: yuan(fen), name: words["member.basket"]) }
                }
            } else {
                Text(words["show.never"])
            }
            let leanings = words.leanings(profile.leanings)
            if !leanings.isEmpty { Text(leanings).font(.subheadline).foregroundStyle(.secondary) }
            Button(words["member.edit"], systemImage: "pencil") { app.way.to(.edit(model.memberId)) }
        }
    }

    /// The four values with their scores, and the row that fired.
    @ViewBuilder private func reason(_ why: ClassWhy) -> some View {
        let recency = why.recency.map { words["show.recency", ["n": $0]] } ?? words["show.never_came"]
        LabeledContent(words["member.recency"], value: words["member.scored", ["value": recency, "score": why.r]])
        LabeledContent(
            words["member.frequency"], value: words["member.scored", ["value": why.frequency, "score": why.f]])
        LabeledContent(
            words["member.spend"], value: words["member.scored", ["value": yuan(why.monetaryFen), "score": why.m]])
        LabeledContent(words["member.health"], value: why.h.map { "\($0)" } ?? words["member.unknown"])
        if why.lifted { Text(words["member.lifted", ["from": words.code("class", why.base)]]) }
    }

    @ViewBuilder private func toSay(_ profile: Profile) -> some View {
        if !profile.say.isEmpty {
            Section(words["show.say"]) {
                ForEach(profile.say, id: \.self) { say in Label(words.said(say), systemImage: "quote.bubble") }
            }
        }
    }

    // MARK: Health

    @ViewBuilder private func medicines(_ profile: Profile) -> some View {
        if !profile.medicines.isEmpty {
            Section(words["show.medicines"]) {
                ForEach(profile.medicines, id: \.ingredient) { medicine in
                    MedicineLine(medicine: medicine, words: words)
                    Button {
                        regimen = medicine
                    } label: {
                        Label(words["member.regimen"], systemImage: "pills").touchable()
                    }
                    .buttonStyle(.borderless)
                }
            }
        }
    }

    @ViewBuilder private var regimenQuestion: some View {
        if let medicine = regimen {
            let known = model.profile?.regimens.first { $0.ingredient == medicine.ingredient }
            RegimenQuestion(app: app, model: model, ingredient: medicine.ingredient, known: known) { regimen = nil }
        }
    }

    private func readings(_ profile: Profile) -> some View {
        Section(words["member.readings"]) {
            let latest = [profile.bp, profile.glucose].compactMap(\.self)
            if latest.isEmpty { Text(words["member.no_readings"]) }
            ForEach(latest, id: \.readingId) { reading in
                HStack {
                    ReadingLine(reading: reading, words: words)
                    Spacer()
                    Sparkline(readings: model.readings.filter { $0.kind == reading.kind })
                        .stroke(Color.accentColor, lineWidth: 2)
                        .frame(width: 96, height: 32)
                        .accessibilityHidden(true)
                }
            }
            Button(words["member.measure"], systemImage: "heart.text.square") {
                app.way.to(.readings(model.memberId))
            }
        }
    }

    // MARK: Tasks, contact, purchases

    private func waits(_ profile: Profile) -> some View {
        Section(words["member.tasks"]) {
            ForEach(profile.tasks, id: \.taskId) { task in
                let line = words[
                    "member.task",
                    [
                        "kind": words.code("task_kind", task.kind), "due": words.date(task.due),
                        "why": words.said(task.why),
                    ]]
                if task.emergency { Danger(line) } else { Text(line) }
                if let touch = task.act.touch(on: task.taskId, words) {
                    Button(touch.text, systemImage: touch.picture) { app.way.to(touch.place) }
                }
            }
            if let day = model.planned { Text(words["member.planned", ["day": words.date(day)]]) }
            Button(words["member.call_on"], systemImage: "calendar.badge.plus") { planning = true }
        }
    }

    @ViewBuilder private func contact(_ profile: Profile) -> some View {
        if let contact = profile.lastContact {
            Section(words["member.last_contact"]) {
                Text(
                    joined([
                        words.instant(contact.atMs), words.code("channel", contact.channel),
                        contact.outcome.map { words.code("outcome", $0) }, contact.staffName ?? contact.staffId,
                    ]))
            }
        }
    }

    @ViewBuilder private func purchases(_ profile: Profile) -> some View {
        if let day = profile.latestPurchase {
            Section(words["member.latest"]) {
                LabeledContent(words.date(day.day), value: yuan(day.netFen))
                Text(joined(day.lines.map(\.name), by: "、")).font(.subheadline)
                Button(words["member.history"], systemImage: "clock") { app.way.to(.history(model.memberId)) }
            }
        }
    }

    // MARK: What is written down

    private func notes(_ profile: Profile) -> some View {
        Section(words["member.notes"]) {
            if profile.notes.isEmpty { Text(words["member.no_notes"]).foregroundStyle(.secondary) }
            ForEach(profile.notes, id: \.noteId) { note in
                VStack(alignment: .leading) {
                    Text(note.text)
                    Text(joined([words.instant(note.atMs), note.staffName]))
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
            }
            Button(words["member.write"], systemImage: "square.and.pencil") { asked = .note }
        }
    }

    private func tags(_ profile: Profile) -> some View {
        Section(words["field.tags"]) {
            ForEach(profile.tags, id: \.self) { tag in
                Text(tag).swipeActions {
                    Button(words["act.clear"], role: .destructive) { Task { await model.removeTag(tag) } }
                }
            }
            Button(words["act.add"], systemImage: "plus") { asked = .tag }
        }
    }

    @ViewBuilder private var question: some View {
        switch asked {
        case .note:
            AskText(
                title: words["member.write"], label: words["field.note"], yes: words["act.save"], words: words,
                long: true
            ) { text in Task { await model.note(text) } }
        case .tag:
            AskText(
                title: words["field.tags"], label: words["field.tags"], yes: words["act.add"], words: words
            ) { text in Task { await model.addTag(text) } }
        case nil: EmptyView()
        }
    }

    // MARK: Consents

    /// The consents: each with the words that are shown to the member, and a touch to give or withdraw it.
    private func consents(_ profile: Profile) -> some View {
        Section(words["member.consents"]) {
            ForEach(profile.consents, id: \.purpose) { standing in
                LabeledContent {
                    if let form = standing.form {
                        Button {
                            consent = ConsentAsked(form: form, withdraw: standing.granted)
                        } label: {
                            Text(words[standing.granted ? "member.withdraw" : "member.ask"]).touchable()
                        }
                        .buttonStyle(.borderless)
                    }
                } label: {
                    Text(words.code("consent", standing.purpose))
                    if standing.answers.isEmpty { Text(words["member.not_asked"]).foregroundStyle(.secondary) }
                    ForEach(standing.answers, id: \.self) { Text(answer($0)).foregroundStyle(.secondary) }
                }
            }
        }
    }

    /// What the member said: for every channel, or for one.
    private func answer(_ row: ConsentRow) -> String {
        let said = words[row.granted ? "consent.yes" : "consent.no"]
        guard let channel = row.channel else { return said }
        return words["member.consent_of", ["channel": words.code("channel", channel), "answer": said]]
    }

    @ViewBuilder private var consentQuestion: some View {
        if let consent {
            ConsentView(asked: consent, words: words) { new, signature in
                Task { await model.consent(new, signature: signature) }
            }
        }
    }

    @ViewBuilder private func household(_ profile: Profile) -> some View {
        if !profile.household.isEmpty {
            Section(words["member.household"]) {
                ForEach(profile.household, id: \.memberId) { other in
                    LeadingRow {
                        app.way.to(.member(other.memberId))
                    } content: {
                        MemberLine(member: other, words: words)
                    }
                }
            }
        }
    }

    // MARK: The call

    /// The call, or why there is none now.
    @ViewBuilder private var call: some View {
        if let profile = model.profile {
            VStack {
                if let reason = profile.callGate.reason { Text(words.gate(reason)).foregroundStyle(.red) }
                Big(text: words["member.call"], picture: "phone") { app.way.to(Place(callTo: profile.call)) }
                    .disabled(profile.callGate.verdict != .allow)
            }
            .padding()
            .background(.bar)
        }
    }
}

/// A medicine and when it runs out.
struct MedicineLine: View {
    let medicine: MedicineRow
    let words: Wording

    var body: some View {
        let more = joined([
            medicine.drugName, medicine.spec, medicine.pdcPercent.map { words["show.pdc", ["percent": $0]] },
            medicine.stockMilli.map { words["show.stock", ["packs": decimal($0)]] },
        ])
        Entry(middle: words.said(medicine.endSays), below: more) {
            Text(medicine.ingredient).font(.headline)
            if medicine.allergy { Sign(text: words["mark.allergies"], stands: true) }
            if let status = medicine.status {
                Sign(
                    text: words.code("medicine", status), color: medicine.warns ? .orange : .secondary,
                    stands: medicine.standsOut)
            }
        }
    }
}

/// A reading with its grade in words.
struct ReadingLine: View {
    let reading: ReadingRow
    let words: Wording

    var body: some View {
        let when = joined([
            words.instant(reading.takenAtMs), words.code("context", reading.context), reading.change,
        ])
        Entry(below: when) {
            Text(words.code("kind", reading.kind))
            Text(reading.value).font(.title3).bold()
                .foregroundStyle(reading.standsOut ? Color.red : Color.primary)
            if let grade = reading.grade { Sign(text: words.code("grade", grade), stands: reading.standsOut) }
        }
    }
}

extension ReadingRow {
    /// The value that a line is drawn of.
    var height: CGFloat? { (systolic ?? glucoseTenths).map { CGFloat($0) } }
}

/// The last values of a reading as a small line.
struct Sparkline: Shape {
    /// Oldest first.
    let values: [CGFloat]

    /// Of readings, newest first.
    init(readings: [ReadingRow]) { values = readings.reversed().compactMap(\.height) }

    nonisolated func path(in rect: CGRect) -> Path {
        Path { path in
            guard values.count > 1, let low = values.min(), let high = values.max() else { return }
            for (at, value) in values.enumerated() {
                let x = rect.minX + rect.width * CGFloat(at) / CGFloat(values.count - 1)
                let y = rect.maxY - rect.height * (value - low) / max(high - low, 1)
                if at == 0 { path.move(to: CGPoint(x: x, y: y)) } else { path.addLine(to: CGPoint(x: x, y: y)) }
            }
        }
    }
}

import ClerkFFI
import ClerkKit
import SwiftUI

/// What a member bought, by day, or of one medicine.
struct HistoryView: View {
    let app: AppModel
    let model: HistoryModel
    @State private var choosing = false

    private var words: Wording { app.words }

    var body: some View {
        List {
            OfflineSign(sync: app.sync, words: words)
            Wrap {
                Choice(text: until, chosen: model.until != nil) {
                    if model.until == nil { choosing = true } else { look(until: nil, medicine: model.medicine) }
                }
                ForEach(model.medicines, id: \.self) { medicine in
                    Choice(text: medicine, chosen: model.medicine == medicine) {
                        look(until: model.until, medicine: model.medicine == medicine ? nil : medicine)
                    }
                }
            }
            ForEach(model.days, id: \.self) { day in self.day(day) }
            Refusal(model.failure, words)
            end
        }
        .navigationTitle(words["member.history"])
        .navigationBarTitleDisplayMode(.inline)
        .sheet(isPresented: $choosing) {
            PastDayQuestion(title: words["history.by_day"], words: words) { day in
                choosing = false
                look(until: day, medicine: model.medicine)
            }
        }
        .task { if model.days.isEmpty { await model.next() } }
    }

    private func look(until day: CivilDate?, medicine: String?) {
        Task { await model.look(until: day, medicine: medicine) }
    }

    private var until: String {
        model.until.map { words["history.until", ["day": words.date($0)]] } ?? words["history.by_day"]
    }

    @ViewBuilder private var end: some View {
        if model.busy {
            Waiting(words["state.reading"])
        } else if let older = model.older {
            Button(words[older.atHub ? "history.older" : "history.more"]) { Task { await model.next() } }
        } else {
            Text(words[model.days.isEmpty ? "history.nothing" : "history.end"]).foregroundStyle(.secondary)
        }
    }

    private func day(_ day: HistoryDay) -> some View {
        Section {
            LabeledContent(words.date(day.day), value: yuan(day.netFen)).font(.headline)
            ForEach(day.lines, id: \.self) { line in
                LabeledContent {
                    Text("×\(decimal(line.quantityMilli))  \(yuan(line.amountFen))")
                } label: {
                    Text(joined([line.name ?? line.drugId, line.spec], by: " "))
                }
            }
        } footer: {
            Text(day.storeName ?? day.storeId ?? "")
        }
    }
}

import ClerkFFI
import ClerkKit
import SwiftUI

/// What a member bought, by day, or of one medicine.
struct HistoryView: View {
    let app: AppModel
    let model: HistoryModel

    private var words: Wording { app.words }

    var body: some View {
        List {
            Wrap {
                ForEach(model.medicines, id: \.self) { medicine in
                    Choice(text: medicine, chosen: model.medicine == medicine) {
                        model.medicine = model.medicine == medicine ? nil : medicine
                    }
                }
            }
            ForEach(model.days, id: \.self) { day in self.day(day) }
            Refusal(model.failure, words)
            end
        }
        .navigationTitle(words["member.history"])
        .navigationBarTitleDisplayMode(.inline)
        .task { if model.days.isEmpty { await model.next() } }
    }

    @ViewBuilder private var end: some View {
        if model.busy {
            Waiting(words["state.reading"])
        } else if model.ended {
            Text(words[model.days.isEmpty ? "history.nothing" : "history.end"]).foregroundStyle(.secondary)
        } else {
            Button(words[model.older?.atHub == true ? "history.older" : "history.more"]) {
                Task { await model.next() }
            }
        }
    }

    @ViewBuilder private func day(_ day: HistoryDay) -> some View {
        let lines = model.lines(of: day)
        if !lines.isEmpty {
            Section {
                LabeledContent(words.date(day.day), value: yuan(day.netFen)).font(.headline)
                ForEach(lines, id: \.self) { line in
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
}

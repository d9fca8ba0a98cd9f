import ClerkFFI
import ClerkKit
import SwiftUI

/// A reading, typed while the cuff still hums; and how the last ones went.
struct ReadingsView: View {
    let app: AppModel
    let model: ReadingsModel
    @State private var numbers = ["", ""]
    /// Which one was chosen; none: the form's own.
    @State private var context: String?

    private var words: Wording { app.words }
    private var typed: TypedReading? {
        model.form.map { TypedReading(kind: $0.kind, numbers: numbers, context: context) }
    }

    var body: some View {
        Form {
            OfflineSign(sync: app.sync, words: words)
            Picker(words["field.kind"], selection: kind) {
                ForEach(model.forms, id: \.kind) { Text(words.code("kind", $0.kind)).tag($0.kind) }
            }
            .pickerStyle(.segmented)
            Refusal(model.failure, words)
            if let added = model.added { stored(added) }
            if let form = model.form { entry(form) }
            trend
        }
        .navigationTitle(words["reading.title", ["name": model.member?.name ?? ""]])
        .navigationBarTitleDisplayMode(.inline)
        .task(id: model.kind) { await model.follow() }
        .task(id: typed) { await model.check(typed) }
        .felt(.warning, model.added?.alarm == true ? model.added : nil)
        .felt(.success, model.added?.alarm == true ? nil : model.added)
        .felt(.error, model.failure)
    }

    private var kind: Binding<String> {
        Binding(
            get: { model.kind },
            set: {
                model.kind = $0
                numbers = ["", ""]
                context = nil
            })
    }

    /// What was stored, with its grade in words, and the alarm that it raises.
    private func stored(_ added: ReadingAdded) -> some View {
        Section(words["reading.stored"]) {
            ReadingLine(reading: added.reading, words: words)
            if added.alarm { Danger(words["reading.alarm"]) }
            if added.taskId != nil { Danger(words["reading.task"]) }
            advice(added.advice)
        }
    }

    private func entry(_ form: ReadingForm) -> some View {
        Section {
            ForEach(form.numbers.indices, id: \.self) { at in
                TextField(words.code("field", form.numbers[at].field), text: $numbers[at])
                    .keyboardType(form.numbers[at].decimals > 0 ? .decimalPad : .numberPad)
            }
            Picker(words["field.context"], selection: chosen(form)) {
                ForEach(form.contexts, id: \.self) { Text(words.code("context", $0)).tag($0) }
            }
            .pickerStyle(.segmented)
            if let check = model.checked { checked(check) }
            Big(text: words["act.save"], picture: "checkmark") { Task { await save() } }
                .disabled(!possible || model.busy)
        }
    }

    /// Until the core has looked it may be tried: what it does not take it refuses.
    private var possible: Bool {
        model.checked.map { $0.state == .possible } ?? numbers.contains { !$0.isEmpty }
    }

    private func chosen(_ form: ReadingForm) -> Binding<String> {
        Binding(get: { context ?? form.defaultContext }, set: { context = $0 })
    }

    /// What is typed says this: its grade at once, or why nobody has such a value.
    @ViewBuilder private func checked(_ check: ReadingCheck) -> some View {
        if let reason = check.reason { Danger(words.reason(reason, check.values)) }
        if let grade = check.reading?.grade {
            Sign(text: words.code("grade", grade), stands: check.reading?.standsOut == true)
        }
        if check.alarm { Danger(words["reading.alarm"]) }
        advice(check.advice)
    }

    /// What the chain advises at a grade.
    @ViewBuilder private func advice(_ advice: Script?) -> some View {
        if let advice {
            Text(advice.text)
            ForEach(advice.points, id: \.self) { Label($0, systemImage: "quote.bubble") }
        }
    }

    private func save() async {
        if let typed, await model.add(typed) { numbers = ["", ""] }
    }

    @ViewBuilder private var trend: some View {
        if model.readings == nil, model.failure == nil {
            Waiting(words["state.reading"])
        } else if model.readings?.readings.isEmpty == true {
            ContentUnavailableView(words["member.no_readings"], systemImage: "heart.text.square")
        }
        if let readings = model.readings, !readings.readings.isEmpty {
            Section(words["reading.trend"]) {
                let out = readings.readings.filter(\.standsOut).count
                if let percent = readings.inTargetPercent {
                    Text(words["reading.in_target", ["n": readings.readings.count, "percent": percent]])
                }
                Text(words.targets(readings.targets))
                TrendChart(readings: readings.readings.reversed(), targets: readings.targets)
                    .frame(height: 160)
                    .accessibilityElement()
                    .accessibilityLabel(words["reading.chart", ["n": readings.readings.count, "out": out]])
                ForEach(readings.readings.prefix(12), id: \.readingId) { ReadingLine(reading: $0, words: words) }
            }
        }
    }
}

/// The values over time: what is out of target is a square in the danger colour, not a colour alone.
struct TrendChart: View {
    /// Oldest first.
    let readings: [ReadingRow]
    let targets: [TargetBand]

    /// From 0, the first, to 1, the last, by their time; those of one instant by their turn.
    private var places: [CGFloat] {
        guard let first = readings.first?.takenAtMs, let last = readings.last?.takenAtMs else { return [] }
        return readings.enumerated().map { at, reading in
            last > first
                ? CGFloat(reading.takenAtMs - first) / CGFloat(last - first)
                : CGFloat(at) / CGFloat(max(readings.count - 1, 1))
        }
    }
    private var upper: [CGFloat?] { readings.map(\.height) }
    private var lower: [CGFloat?] { readings.map { $0.diastolic.map { CGFloat($0) } } }
    private var bands: [Band] { targets.map { Band(from: $0.from.map { CGFloat($0) }, to: CGFloat($0.to)) } }
    private var range: ClosedRange<CGFloat> {
        let all = (upper + lower).compactMap(\.self) + bands.flatMap { [$0.from ?? $0.to, $0.to] }
        return (all.min() ?? 0)...(all.max() ?? 1)
    }

    var body: some View {
        ZStack {
            ForEach(bands, id: \.self) {
                TargetArea(band: $0, range: range).fill(Color.accentColor.opacity(0.12))
            }
            ForEach([upper, lower], id: \.self) { values in
                let trend = Trend(places: places, values: values, range: range)
                TrendLine(trend: trend).stroke(Color.secondary, lineWidth: 2)
                TrendMarks(trend: trend, out: readings.map(\.standsOut), square: false).fill(Color.accentColor)
                TrendMarks(trend: trend, out: readings.map(\.standsOut), square: true).fill(Color.red)
            }
        }
    }
}

/// Where a value is drawn: by its place in time, from 0 to 1, and by its height between the lowest and the highest.
private func point(_ place: CGFloat, _ value: CGFloat, in range: ClosedRange<CGFloat>, _ rect: CGRect) -> CGPoint {
    let inner = rect.insetBy(dx: rect.width * 0.03, dy: rect.height * 0.08)
    let share = (value - range.lowerBound) / max(range.upperBound - range.lowerBound, 1)
    return CGPoint(x: inner.minX + inner.width * place, y: inner.maxY - inner.height * share)
}

/// Values over time; none: a reading has no such value.
private struct Trend {
    let places: [CGFloat]
    let values: [CGFloat?]
    let range: ClosedRange<CGFloat>

    /// Where the values are drawn, each with its number among the readings.
    func points(in rect: CGRect) -> [(at: Int, point: CGPoint)] {
        zip(places, values).enumerated().compactMap { at, one in
            one.1.map { (at, point(one.0, $0, in: range, rect)) }
        }
    }
}

/// From where to where values should lie; from none: however low.
private struct Band: Hashable {
    let from: CGFloat?
    let to: CGFloat
}

private struct TargetArea: Shape {
    let band: Band
    let range: ClosedRange<CGFloat>

    nonisolated func path(in rect: CGRect) -> Path {
        Path { path in
            let top = point(0, band.to, in: range, rect).y
            let bottom = band.from.map { point(0, $0, in: range, rect).y } ?? rect.maxY
            path.addRect(CGRect(x: rect.minX, y: top, width: rect.width, height: bottom - top))
        }
    }
}

private struct TrendLine: Shape {
    let trend: Trend

    nonisolated func path(in rect: CGRect) -> Path {
        Path { path in
            for (turn, value) in trend.points(in: rect).enumerated() {
                if turn == 0 { path.move(to: value.point) } else { path.addLine(to: value.point) }
            }
        }
    }
}

private struct TrendMarks: Shape {
    let trend: Trend
    let out: [Bool]
    let square: Bool

    nonisolated func path(in rect: CGRect) -> Path {
        Path { path in
            for (at, here) in trend.points(in: rect) where out[at] == square {
                let mark = CGRect(x: here.x - 5, y: here.y - 5, width: 10, height: 10)
                if square { path.addRect(mark) } else { path.addEllipse(in: mark) }
            }
        }
    }
}

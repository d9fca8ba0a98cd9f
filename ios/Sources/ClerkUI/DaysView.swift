import ClerkFFI
import ClerkKit
import SwiftUI

/// A question whose answer is a day.
struct DayQuestion: View {
    let app: AppModel
    let title: String
    /// The last day that is taken; none: any.
    var last: CivilDate?
    let answer: @MainActor (CivilDate) -> Void

    var body: some View {
        Question(title: title, words: app.words) { Form { DaysView(app: app, last: last, choose: answer) } }
    }
}

/// A day to choose: near ones at a touch, any other from the calendar.
struct DaysView: View {
    private let app: AppModel
    private let last: CivilDate?
    private let choose: @MainActor (CivilDate) -> Void
    @State private var near: [CivilDate]
    @State private var calendar = false
    @State private var date = Date()

    /// `last`: the last day that is taken; none: any. `near`: the near ones, where they are known already.
    init(
        app: AppModel, last: CivilDate? = nil, near: [CivilDate] = [], choose: @escaping @MainActor (CivilDate) -> Void
    ) {
        self.app = app
        self.last = last
        self.choose = choose
        _near = State(initialValue: near)
    }

    private var words: Wording { app.words }

    var body: some View {
        Wrap {
            ForEach(near, id: \.self) { day in Choice(text: words.near(day), chosen: false) { choose(day) } }
            Choice(text: words["act.calendar"], chosen: calendar) { calendar.toggle() }
        }
        .task { near = await app.nearDays(until: last) }
        if calendar {
            DatePicker(words["act.calendar"], selection: $date, in: range, displayedComponents: .date)
                .datePickerStyle(.graphical)
            Button(words["act.ok"]) { choose(Days.day(of: date)) }
        }
    }

    private var range: ClosedRange<Date> {
        let first = Days.date(of: words.today) ?? Date()
        let end = last.flatMap { Days.date(of: $0) } ?? .distantFuture
        return first...max(first, end)
    }
}

/// A question whose answer is today or a day before it.
struct PastDayQuestion: View {
    let title: String
    let words: Wording
    let answer: @MainActor (CivilDate) -> Void
    @State private var date = Date()

    var body: some View {
        Question(title: title, words: words, yes: .init(text: words["act.ok"]) { answer(Days.day(of: date)) }) {
            Form {
                DatePicker(title, selection: $date, in: .distantPast...today, displayedComponents: .date)
                    .datePickerStyle(.graphical)
            }
        }
    }

    private var today: Date { Days.date(of: words.today) ?? Date() }
}

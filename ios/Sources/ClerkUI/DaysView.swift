import ClerkFFI
import ClerkKit
import SwiftUI

/// A question whose answer is a day.
struct DayQuestion: View {
    let title: String
    let words: Wording
    /// The last day that is taken; none: any.
    var last: CivilDate?
    let answer: @MainActor (CivilDate) -> Void

    var body: some View {
        Question(title: title, words: words) { Form { DaysView(words: words, last: last, choose: answer) } }
    }
}

/// A day to choose: near ones at a touch, any other from the calendar.
struct DaysView: View {
    let words: Wording
    /// The last day that is taken; none: any.
    var last: CivilDate?
    let choose: @MainActor (CivilDate) -> Void
    @State private var calendar = false
    @State private var date = Date()

    /// Days from now that are one touch away.
    private static let near = [1, 2, 3, 7, 14, 30]

    private var days: [(Int, CivilDate)] {
        Self.near.map { ($0, Days.adding($0, to: words.today)) }.filter { last == nil || $0.1 <= last ?? "" }
    }

    var body: some View {
        Wrap {
            ForEach(days, id: \.0) { n, day in
                Choice(text: n == 1 ? words.date(day) : words["act.in_days", ["n": n]], chosen: false) { choose(day) }
            }
            Choice(text: words["act.calendar"], chosen: calendar) { calendar.toggle() }
        }
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

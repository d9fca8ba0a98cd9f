import ClerkFFI
import Observation

/// A member's purchases, page by page: the phone's first, then the hub's.
@MainActor @Observable
public final class HistoryModel {
    /// The days that were read, newest first.
    public private(set) var days: [HistoryDay] = []
    /// What can be read next; none: nothing older, or nothing was read yet.
    public private(set) var older: OlderDays?
    /// Everything was read.
    public private(set) var ended = false
    /// The medicine that the days are narrowed to; none: every one.
    public var medicine: String?
    /// A page is being read.
    public private(set) var busy = false
    /// Why there is no page.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let memberId: String

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// The medicines of what was read, in the order in which they were bought last.
    public var medicines: [String] {
        var seen: Set<String> = []
        return days.flatMap(\.lines).compactMap(\.ingredient).filter { seen.insert($0).inserted }
    }

    /// The lines of a day, narrowed to the medicine.
    public func lines(of day: HistoryDay) -> [LineRow] {
        medicine == nil ? day.lines : day.lines.filter { $0.ingredient == medicine }
    }

    /// Reads the next page, from this phone or from the hub.
    public func next() async {
        guard !busy, !ended else { return }
        busy = true
        failure = await Failure.of {
            let page = try await page(older)
            days += page.days
            older = page.next
            ended = page.next == nil
        }
        busy = false
    }

    private func page(_ older: OlderDays?) async throws -> HistoryPage {
        if let older, older.atHub {
            return try await core.cancellable { [memberId] app, handle in
                try app.olderHistory(memberId: memberId, before: older.before, linesMax: 200, cancel: handle)
            }
        }
        return try await core.call { [memberId] in
            try $0.history(memberId: memberId, before: older?.before, daysMax: 20)
        }
    }
}

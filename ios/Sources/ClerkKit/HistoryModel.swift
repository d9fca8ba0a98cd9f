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
    /// The newest day that is looked at; none: all.
    public private(set) var until: CivilDate?
    /// The medicines that were bought, the latest first.
    public private(set) var medicines: [String] = []
    /// The medicine that the days are narrowed to; none: every one.
    public private(set) var medicine: String?
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

    /// Reads the next page, from this phone or from the hub.
    public func next() async {
        guard !busy, !ended else { return }
        busy = true
        failure = await Failure.of {
            if older == nil {
                medicines = try await core.call { [memberId] in try $0.boughtIngredients(memberId: memberId) }
            }
            let page = try await page(older)
            days += page.days
            older = page.next
            ended = page.next == nil
        }
        busy = false
    }

    /// Looks at the days up to one, it included, and at one medicine; none: at all.
    public func look(until day: CivilDate?, medicine: String?) async {
        guard !busy else { return }
        (until, self.medicine) = (day, medicine)
        (days, older, ended) = ([], nil, false)
        await next()
    }

    private func page(_ older: OlderDays?) async throws -> HistoryPage {
        if let older, older.atHub {
            return try await core.cancellable { [memberId, medicine] app, handle in
                try app.olderHistory(
                    memberId: memberId, until: older.until, linesMax: 200, cancel: handle, ingredient: medicine)
            }
        }
        return try await core.call { [memberId, medicine, newest = older?.until ?? until] in
            try $0.history(memberId: memberId, until: newest, daysMax: 20, ingredient: medicine)
        }
    }
}

import ClerkFFI
import Observation

/// A member's purchases, page by page: the phone's first, then the hub's.
@MainActor @Observable
public final class HistoryModel {
    /// The days that were read, newest first.
    public private(set) var days: [HistoryDay] = []
    /// What is read next; none: there is nothing older.
    public private(set) var older: DaysAsked? = DaysAsked()
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
    @ObservationIgnored private var begun = false

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// Reads the next page, from this phone or from the hub.
    public func next() async {
        guard !busy, let asked = older else { return }
        busy = true
        failure = await Failure.of { [memberId] in
            if !begun { medicines = try await core.call { try $0.boughtIngredients(memberId: memberId) } }
            begun = true
            let page = try await core.cancellable { try $0.history(memberId: memberId, asked: asked, cancel: $1) }
            days += page.days
            older = page.next
        }
        busy = false
    }

    /// Looks at the days up to one, it included, and at one medicine; none: at all.
    public func look(until day: CivilDate?, medicine: String?) async {
        guard !busy else { return }
        (until, self.medicine) = (day, medicine)
        (days, older) = ([], DaysAsked(until: day, ingredient: medicine))
        await next()
    }
}

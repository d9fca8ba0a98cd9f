import ClerkFFI
import Observation

/// A member's purchases, page by page: the phone's first, then the hub's.
@MainActor @Observable
public final class HistoryModel {
    /// Where the next page comes from.
    public enum More: Equatable, Sendable {
        /// From this phone.
        case phone
        /// From the hub: older days than the phone holds.
        case hub
        /// There is nothing older.
        case none
    }

    /// The days that were read, newest first.
    public private(set) var days: [HistoryDay] = []
    /// What can be read next.
    public private(set) var more = More.phone
    /// The medicine that the days are narrowed to; none: every one.
    public var medicine: String?
    /// A page is being read.
    public private(set) var busy = false
    /// Why there is no page.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let memberId: String
    @ObservationIgnored private var before: CivilDate?

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

    /// Reads the next page.
    public func next() async {
        guard !busy, more != .none else { return }
        busy = true
        failure = await Failure.of { if more == .phone { try await fromPhone() } else { try await fromHub() } }
        busy = false
    }

    private func fromPhone() async throws {
        let page = try await core.call { [memberId, before] in
            try $0.history(memberId: memberId, before: before, daysMax: 20)
        }
        take(page)
        if page.before == nil { more = page.lifetimeTimes > days.count ? .hub : .none }
    }

    private func fromHub() async throws {
        let page = try await core.cancellable { [memberId, oldest = before ?? days.last?.day] app, handle in
            try app.olderHistory(
                memberId: memberId, before: oldest ?? app.today(), linesMax: 200, cancel: handle)
        }
        take(page)
        if page.before == nil { more = .none }
    }

    private func take(_ page: HistoryPage) {
        days += page.days
        before = page.before
    }
}

import ClerkFFI
import Observation

/// Members of the store by conditions: looked at, kept, given a task or a message.
@MainActor @Observable
public final class GroupModel {
    /// What is asked for: conditions, or a filter that was kept. A screen calls ``follow()`` anew when it changes.
    public struct Asked: Hashable, Sendable {
        /// A kept filter of simple conditions shows as these.
        public var conditions = GroupConditions()
        public var kept: SavedGroup?
    }

    /// What is asked for.
    public private(set) var asked = Asked()
    /// How many there are of each kind; none until that was read.
    public private(set) var counts: MemberCounts?
    /// The filters that were kept.
    public private(set) var saved: [SavedGroup] = []
    /// The audience that is asked for; none: nothing is.
    public private(set) var rule: String?
    /// How many fit; none while nothing is asked.
    public private(set) var count: UInt64?
    /// The first ones who fit, the most valuable first.
    public private(set) var members: [MemberRow] = []
    /// Those who were picked out of them; none: all.
    public var picked: Set<String> = []
    /// What became of the tasks that were made.
    public private(set) var made: GroupTasks?
    /// Tasks are being made.
    public private(set) var busy = false
    /// Why there is no group.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    private nonisolated static let page: UInt64 = 50

    public init(core: ClerkCore) { self.core = core }

    /// Shows who fits, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let now = asked
        await core.follow { app in
            let rule = try now.kept?.rule ?? app.groupRule(conditions: now.conditions)
            return Shown(
                counts: try app.memberCounts(), saved: try app.savedGroups(), rule: rule,
                group: try rule.map { try app.group(rule: $0, offset: 0, limit: Self.page) })
        } show: { shown, failure in
            guard now == asked else { return }
            counts = shown?.counts
            saved = shown?.saved ?? []
            rule = shown?.rule
            count = shown?.group?.count
            members = shown?.group?.members ?? []
            self.failure = failure
        }
    }

    /// Asks for these conditions.
    public func ask(_ conditions: GroupConditions) { begin(Asked(conditions: conditions)) }

    /// Shows who fits a filter that was kept; none: nobody.
    public func show(_ filter: SavedGroup?) {
        begin(Asked(conditions: filter?.conditions ?? GroupConditions(), kept: filter))
    }

    /// More of those who fit.
    public func more() async {
        guard let rule else { return }
        failure = await Failure.of { [from = UInt64(members.count)] in
            let page = try await core.call { try $0.group(rule: rule, offset: from, limit: Self.page) }
            if rule == self.rule { members += page.members }
        }
    }

    /// How many a message or task is for.
    public var chosenCount: UInt64 { picked.isEmpty ? count ?? 0 : UInt64(picked.count) }

    /// Whom a message or task is for: those who were picked, else everybody who fits.
    public func chosen() async -> [String] {
        if !picked.isEmpty { return picked.sorted() }
        guard let rule, let count else { return [] }
        var ids: [String] = []
        failure = await Failure.of {
            ids = try await core.call { try $0.groupIds(rule: rule, offset: 0, limit: count) }
        }
        return ids
    }

    /// Makes tasks to call.
    public func makeCalls() async {
        guard !busy else { return }
        busy = true
        defer { busy = false }
        let ids = await chosen()
        guard !ids.isEmpty else { return }
        failure = await Failure.of {
            made = try await core.call { try $0.planCalls(memberIds: ids) }
        }
    }

    /// Keeps what is asked for by a name.
    public func keep(_ name: String) async {
        guard let rule else { return }
        await change { try $0.saveGroup(name: name, rule: rule) }
    }

    /// Forgets a filter.
    public func forget(_ filter: SavedGroup) async {
        await change { try $0.removeGroup(name: filter.name) }
        if asked.kept == filter { show(nil) }
    }

    private func begin(_ asked: Asked) {
        self.asked = asked
        rule = nil
        count = nil
        members = []
        picked = []
        made = nil
    }

    private func change(_ block: @escaping @Sendable (ClerkApp) throws -> Void) async {
        failure = await Failure.of {
            saved = try await core.call { app in
                try block(app)
                return try app.savedGroups()
            }
        }
    }

    private struct Shown: Equatable, Sendable {
        let counts: MemberCounts
        let saved: [SavedGroup]
        let rule: String?
        let group: MemberGroup?
    }
}

extension GroupConditions {
    /// The same with other words of some kinds.
    public func with(
        classes: [String]? = nil, care: [String]? = nil, diseases: [String]? = nil, tags: [String]? = nil,
        medicines: [String]? = nil, birthday: Bool? = nil
    ) -> GroupConditions {
        GroupConditions(
            classes: classes ?? self.classes, care: care ?? self.care, diseases: diseases ?? self.diseases,
            tags: tags ?? self.tags, medicines: medicines ?? self.medicines, birthday: birthday ?? self.birthday)
    }
}

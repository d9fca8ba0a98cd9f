import ClerkFFI
import Observation

/// A member's readings, and a new one.
@MainActor @Observable
public final class ReadingsModel {
    /// Which kind, as a code; at first that of the first form. A screen calls ``follow()`` anew when it changes.
    public var kind = ""
    /// Who it is.
    public private(set) var member: MemberRow?
    /// The readings of this kind of the last twelve months, newest first; none until they were read.
    public private(set) var readings: Readings?
    /// What readings are typed into, one form for each kind; none until that was read.
    public private(set) var forms: [ReadingForm] = []
    /// What is typed says this; none while nothing is. A screen calls ``check(_:)`` anew when it changes.
    public private(set) var checked: ReadingCheck?
    /// What was stored last, with its grade.
    public private(set) var added: ReadingAdded?
    /// It is being stored.
    public private(set) var busy = false
    /// Why there are none, or why one was not stored.
    public private(set) var failure: Failure?

    private static let rest = Duration.milliseconds(250)

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let memberId: String

    public init(core: ClerkCore, memberId: String) {
        self.core = core
        self.memberId = memberId
    }

    /// Shows the readings, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        failure = await Failure.of { forms = try await core.call { $0.readingForms() } }
        if kind.isEmpty, let first = forms.first { kind = first.kind }
        let (id, asked) = (memberId, kind)
        await core.follow { app in
            Shown(
                member: try app.profile(memberId: id).member, readings: try app.trend(memberId: id, kind: asked))
        } show: { shown, failure in
            guard asked == kind else { return }
            member = shown?.member
            readings = shown?.readings
            self.failure = failure
        }
    }

    /// The form of the kind.
    public var form: ReadingForm? { forms.first { $0.kind == kind } }

    /// Looks at what is typed, once the typing rests; nothing is stored.
    public func check(_ typed: TypedReading?) async {
        checked = nil
        guard let typed else { return }
        let refused = await Failure.of { [memberId] in
            // On the way to 12.5 there is a 1, which would be an emergency.
            try await Task.sleep(for: Self.rest)
            let says = try await core.call { try $0.checkTyped(memberId: memberId, typed: typed) }
            // Of what is not typed any more nothing is said.
            try Task.checkCancellation()
            checked = says
        }
        // While nothing is typed, why there are no readings stays.
        if checked != nil || refused != nil { failure = refused }
    }

    /// Stores what is typed; whether it was.
    public func add(_ typed: TypedReading) async -> Bool {
        guard !busy else { return false }
        busy = true
        defer { busy = false }
        failure = await Failure.of { [memberId] in
            added = try await core.call { try $0.addTyped(memberId: memberId, typed: typed) }
        }
        return failure == nil
    }

    private struct Shown: Equatable, Sendable {
        let member: MemberRow
        let readings: Readings
    }
}

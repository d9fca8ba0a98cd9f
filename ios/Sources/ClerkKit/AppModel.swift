import ClerkFFI
import Foundation
import Observation

/// The models that outlive a look at another screen, and what every screen needs: the core, the device, the words.
@MainActor @Observable
public final class AppModel {
    @ObservationIgnored public let core: ClerkCore
    @ObservationIgnored public let device: any Device
    public let way = Way()
    public let presence: Presence
    public let dialWatch = DialWatch()
    public let pairing: PairingModel
    public let signIn: SignInModel
    public let sync: SyncModel
    public let search: SearchModel
    public let tasks: TaskListModel
    /// Texts, and today by the chain's calendar.
    public private(set) var words: Wording

    @ObservationIgnored private let texts: Texts
    @ObservationIgnored private var calls: [Place: CallModel] = [:]

    public init(core: ClerkCore, device: any Device, texts: Texts, seen: Bool = true) async {
        self.core = core
        self.device = device
        self.texts = texts
        words = await Self.words(texts, core)
        presence = Presence(core: core, seen: seen)
        pairing = PairingModel(core: core)
        signIn = SignInModel(core: core)
        sync = SyncModel(core: core)
        search = SearchModel(core: core)
        tasks = TaskListModel(core: core)
    }

    /// The app stands differently now: the file is closed or opened, the lock looked at.
    public func enter(_ phase: AppPhase) async {
        dialWatch.enter(phase)
        await presence.enter(phase)
        if phase == .active { await look() }
    }

    /// Shows what the app was opened for. A phone that is not paired takes the code; one that is, keeps its pairing.
    public func show(_ opened: Opened) {
        switch opened {
        case .pairing(let code): pairing.code = code
        case .tasks: way.show(.tasks)
        }
    }

    /// A look at the lock, which falls by time, and at the day. The chain's clock is known once the phone is paired.
    public func look() async {
        await presence.again()
        let before = signIn.current?.staffId
        await signIn.refresh()
        if let now = signIn.current?.staffId, let before, now != before { way.restart() }
        let now = await Self.words(texts, core)
        if now.today != words.today || now.zone != words.zone { words = now }
    }

    /// The days that are one touch away where a day is asked for, up to the last one that is taken; none: any.
    public func nearDays(until last: CivilDate?) async -> [CivilDate] {
        // Asks nobody but the clock.
        (try? await core.call { $0.nearDays(last: last) }) ?? []
    }

    /// The call of a place: the one that is under way, also after the app was ended meanwhile, or a new one. None: the
    /// place is no call.
    public func call(_ place: Place) async -> CallModel? {
        if let call = calls[place] { return call }
        guard let target = place.target else { return nil }
        let open = try? await core.call { try $0.openAttempts() }
        let call =
            open?.first { $0.target == target }.map { CallModel(core: core, unfinished: $0) }
            ?? CallModel(core: core, target: target)
        calls[place] = call
        return call
    }

    /// The call of a place is over: the next call of the list, for who came from there; else back.
    public func goOn(from place: Place) async {
        let next = way.overTasks ? await tasks.nextCall() : nil
        guard way.top == place else { return }
        leave(place)
        dialWatch.done()
        if let next { way.instead(.callTask(next)) } else { way.back() }
    }

    /// The screen of a call was left: what was said of it is forgotten.
    public func leave(_ place: Place) { calls[place] = nil }

    private static func words(_ texts: Texts, _ core: ClerkCore) async -> Wording {
        // Reading a clock fails nowhere.
        let clock = try? await core.call { (today: $0.today(), zone: $0.timeZone()) }
        return Wording(
            texts, today: clock?.today ?? "", zone: clock.flatMap { TimeZone(identifier: $0.zone) } ?? .current)
    }
}

import ClerkFFI
import Foundation
import Observation

/// The screens at the bottom of the way.
public enum HomeTab: String, CaseIterable, Codable, Sendable {
    case counter, tasks, members, today, phone
}

/// A screen over a tab: what it shows, and of whom.
public enum Place: Hashable, Codable, Sendable {
    case member(String)
    case callTask(String)
    case callMember(String)
    case readings(String)
    case history(String)
    /// A new member, of whom this was typed already.
    case register(String)
    case message([String])
    case messageTask(String)
    case waiting
    case edit(String)
    case licences

    /// Whom a call from here is for; none: it is no call.
    public var target: DialTarget? {
        switch self {
        case .callTask(let id): .task(id)
        case .callMember(let id): .member(id)
        default: nil
        }
    }

    /// Where a call begins.
    public init(callTo target: DialTarget) {
        switch target {
        case .task(let id): self = .callTask(id)
        case .member(let id): self = .callMember(id)
        }
    }
}

extension Place {
    /// As the system may keep it: it keeps no secrets, so a name or number that was typed stays here.
    fileprivate var kept: Place { if case .register = self { .register("") } else { self } }
}

/// Where the clerk is, and the way back. Each tab has its own. Survives the process as ``saved``.
@MainActor @Observable
public final class Way {
    /// The tab below everything.
    public var tab = HomeTab.counter
    /// The screens over each tab.
    public var places: [HomeTab: [Place]] = [:]

    public init() {}

    /// Nothing was shown yet but what the app begins with.
    public var untouched: Bool { tab == .counter && places.isEmpty }

    /// The screen on top; none: the tab itself.
    public var top: Place? { places[tab]?.last }

    /// The screen on top was opened from the list of tasks itself.
    public var overTasks: Bool { tab == .tasks && places[.tasks]?.count == 1 }

    /// Shows a tab, with nothing over it.
    public func show(_ tab: HomeTab) {
        places[tab] = []
        self.tab = tab
    }

    /// Goes to a screen; the same one twice is once.
    public func to(_ place: Place) { if place != top { places[tab, default: []].append(place) } }

    /// Goes to a screen in place of the one on top.
    public func instead(_ place: Place) {
        back()
        to(place)
    }

    /// One step back.
    public func back() { if top != nil { places[tab]?.removeLast() } }

    /// Another person begins at the counter.
    public func restart() {
        places = [:]
        tab = .counter
    }

    private struct Saved: Codable {
        let tab: HomeTab
        let places: [HomeTab: [Place]]
    }

    /// The way as a text, for the system to keep while the app is not there; ids only, nothing that was typed.
    public var saved: String {
        get {
            let data = try? JSONEncoder().encode(Saved(tab: tab, places: places.mapValues { $0.map(\.kept) }))
            return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        set {
            // What an older app kept may not be readable: then the way begins at the counter.
            guard let kept = try? JSONDecoder().decode(Saved.self, from: Data(newValue.utf8)) else { return }
            (tab, places) = (kept.tab, kept.places)
        }
    }
}

import Observation

/// How the app stands on the screen.
public enum AppPhase: Equatable, Sendable {
    /// Somebody sees and touches it.
    case active
    /// It is covered for a moment: a question of the system, the app switcher.
    case inactive
    /// Nobody sees it; the system may suspend it at any time.
    case background
}

/// Who needs the file: the screens while somebody sees them, work in the background while it runs. While nobody does
/// the core is paused, so that a suspended app holds no lock (the system kills who does: 0xdead10cc).
@MainActor @Observable
public final class Presence {
    /// The file is open.
    public private(set) var open = true
    /// Somebody sees the screens.
    public private(set) var seen = true
    /// Why the file could not be opened or closed.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private var working = 0
    @ObservationIgnored private var last: Task<Void, Never>?

    /// Of a core that was just opened for the screens, or for work in the background.
    public init(core: ClerkCore, seen: Bool = true) {
        self.core = core
        self.seen = seen
    }

    /// The app stands differently now. Returns once the file is as it has to be.
    public func enter(_ phase: AppPhase) async {
        // Inactive is on the way to either: what is open stays open.
        switch phase {
        case .active: seen = true
        case .background: seen = false
        case .inactive: return
        }
        await settle()
    }

    /// Tries again what failed.
    public func again() async { if failure != nil { await settle() } }

    /// Work that needs the file, seen or not.
    public func during<T: Sendable>(_ work: @MainActor () async throws -> T) async throws -> T {
        working += 1
        await settle()
        let result: Result<T, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        working -= 1
        await settle()
        return try result.get()
    }

    /// One change after the other: what is needed when its turn comes counts.
    private func settle() async {
        let before = last
        let turn = Task {
            await before?.value
            await bring()
        }
        last = turn
        await turn.value
    }

    private func bring() async {
        let needed = seen || working > 0
        // After a failure nobody knows how the file stands, and a lock that is held costs the app its life.
        guard needed != open || failure != nil else { return }
        failure = await Failure.of {
            if needed { try await core.resume() } else { try await core.pause() }
            open = needed
        }
    }
}

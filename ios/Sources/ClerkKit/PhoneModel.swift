import ClerkFFI
import Foundation
import Observation

/// A vault whose key can be destroyed: after that nobody reads the file any more.
public protocol PhoneVault: KeyVault {
    func destroy() throws
}

/// The one core of the process, for the screens and for the work in the background.
@MainActor @Observable
public final class PhoneModel {
    /// How the phone's file stands.
    public enum State {
        /// Not open yet.
        case opening
        /// Open.
        case open(AppModel)
        /// It could not be opened.
        case failed(Failure)
    }

    /// How the phone's file stands.
    public private(set) var state = State.opening

    @ObservationIgnored private let home: URL
    @ObservationIgnored private let vault: any PhoneVault
    @ObservationIgnored private let clock: (any WallClock)?
    @ObservationIgnored private let texts: Texts
    @ObservationIgnored private let prepare: @Sendable (URL) throws -> Void
    @ObservationIgnored private let device: @MainActor (PhoneModel) -> any Device
    /// How the app stands, also while the file is being opened.
    @ObservationIgnored private var phase = AppPhase.inactive
    @ObservationIgnored private var opening: Task<AppModel, any Error>?

    /// In this folder. `prepare` makes it before each opening, and `device` is asked for once for each.
    public init(
        home: URL, vault: any PhoneVault, clock: (any WallClock)? = nil, texts: Texts,
        prepare: @escaping @Sendable (URL) throws -> Void = {
            try FileManager.default.createDirectory(at: $0, withIntermediateDirectories: true)
        },
        device: @escaping @MainActor (PhoneModel) -> any Device
    ) {
        self.home = home
        self.vault = vault
        self.clock = clock
        self.texts = texts
        self.prepare = prepare
        self.device = device
    }

    /// The models over the open core; opens it if it is not open. Who asks meanwhile waits for the same. `seen`: somebody
    /// sees the screens, it is not for work in the background.
    @discardableResult
    public func app(seen: Bool = true) async throws -> AppModel {
        if case .open(let app) = state { return app }
        let work = opening ?? Task { try await open(seen: seen) }
        opening = work
        defer { opening = nil }
        return try await work.value
    }

    /// The app stands differently now. Returns once the file is as it has to be, also one that was just being opened.
    public func enter(_ phase: AppPhase) async {
        self.phase = phase
        if case .open(let app) = state { return await app.enter(phase) }
        if let opening, let app = try? await opening.value { return await app.enter(self.phase) }
        // It was tried while the phone was locked, for work in the background.
        if case .failed = state, phase == .active { _ = try? await app() }
    }

    /// Somebody touched the screen.
    public func touched() async {
        if case .open(let app) = state, app.signIn.current != nil { await app.signIn.touched() }
    }

    /// The data are gone, or their key: the key is destroyed, what is left of the data removed, and the phone opened as
    /// a new one.
    public func beginAnew() async {
        if case .open(let app) = state {
            // After `unpair` there is nothing left to close.
            try? await app.core.pause()
        }
        state = .opening
        do {
            try vault.destroy()
            if FileManager.default.fileExists(atPath: home.path) { try FileManager.default.removeItem(at: home) }
            try await app()
        } catch {
            state = .failed(Failure(error))
        }
    }

    private func open(seen: Bool) async throws -> AppModel {
        do {
            try prepare(home)
            let core = try await ClerkCore.open(home: home, vault: vault, clock: clock)
            let app = await AppModel(core: core, device: device(self), texts: texts, seen: seen)
            state = .open(app)
            // Who left while it was opened must not leave it open.
            if seen, phase == .background { await app.enter(.background) }
            return app
        } catch {
            state = .failed(Failure(error))
            throw error
        }
    }
}

import ClerkFFI
import Foundation

/// The core for Swift concurrency: calls that may be made from the main actor, lists that follow changes, and
/// cancellation that reaches the core. It decides nothing.
public final class ClerkCore: Sendable {
    private let app: ClerkApp
    private let changes: Changes
    private let background = Background()
    /// Calls block, so they stay off the threads that Swift shares among tasks.
    private let queue: DispatchQueue

    private init(app: ClerkApp, queue: DispatchQueue) {
        self.app = app
        self.queue = queue
        changes = Changes()
        app.setDataListener(listener: changes)
    }

    /// Opens the phone in `home`. Reads the key from `vault` once. Without a `clock` the system's counts.
    public static func open(
        home: URL, vault: any KeyVault, clock: (any WallClock)? = nil
    ) async throws -> ClerkCore {
        let queue = DispatchQueue(label: "cn.yaoban.core", qos: .userInitiated, attributes: .concurrent)
        let app = try await blocking(on: queue) { try ClerkApp.open(home: home.path, vault: vault, clock: clock) }
        return ClerkCore(app: app, queue: queue)
    }

    /// A call of the core: `try await core.call { try $0.profile(memberId: id) }`. It is not cut short; for calls that
    /// take a handle see ``cancellable(_:)``.
    public func call<T: Sendable>(_ block: @escaping @Sendable (ClerkApp) throws -> T) async throws -> T {
        let app = app
        return try await blocking(on: queue) { try block(app) }
    }

    /// Changes something; why it was not done, if it was not.
    @MainActor
    func change(_ block: @escaping @Sendable (ClerkApp) throws -> Void) async -> Failure? {
        await Failure.of { try await call(block) }
    }

    /// A call that may take long. Cancelling the task ends the call, and returns once it has ended.
    public func cancellable<T: Sendable>(
        _ block: @escaping @Sendable (ClerkApp, CancelHandle) throws -> T
    ) async throws -> T {
        let handle = CancelHandle()
        return try await withTaskCancellationHandler {
            do {
                return try await call { try block($0, handle) }
            } catch  where Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            handle.cancel()
        }
    }

    /// What `read` gives, now and whenever rows change; changes that come faster than it reads are taken together. An
    /// error is an element of the stream, which goes on: after the lock fell and the clerk signed in again the list is
    /// there.
    public func watch<T: Sendable & Equatable>(
        _ read: @escaping @Sendable (ClerkApp) throws -> T
    ) -> AsyncStream<Result<T, any Error>> {
        let ticks = changes.ticks()
        return AsyncStream(bufferingPolicy: .bufferingNewest(1)) { out in
            let reading = Task {
                var last: Result<T, any Error>?
                for await _ in ticks {
                    let now: Result<T, any Error>
                    do { now = .success(try await self.call(read)) } catch { now = .failure(error) }
                    if let last, same(last, now) { continue }
                    last = now
                    out.yield(now)
                }
                out.finish()
            }
            out.onTermination = { _ in reading.cancel() }
        }
    }

    /// One round with the hub. Cancelling the task ends it; what came in stays.
    public func sync(progress: @escaping @Sendable (SyncProgress) -> Void = { _ in }) async throws -> SyncReport {
        try await cancellable { app, handle in try app.sync(listener: Progress(progress), cancel: handle) }
    }

    /// One round with the hub, told on the main actor as far as it is; progress that comes faster is passed over.
    @MainActor
    func sync(show: @MainActor (SyncProgress) -> Void) async throws -> SyncReport {
        let (heard, tell) = AsyncStream.makeStream(of: SyncProgress.self, bufferingPolicy: .bufferingNewest(1))
        async let report = round {
            tell.yield($0)
        } ended: {
            tell.finish()
        }
        for await progress in heard { show(progress) }
        return try await report
    }

    private func round(
        _ heard: @escaping @Sendable (SyncProgress) -> Void, ended: @Sendable () -> Void
    ) async throws -> SyncReport {
        defer { ended() }
        return try await sync(progress: heard)
    }

    /// Shows what ``watch(_:)`` gives until the task is cancelled: the value, or none and why. What was shown before
    /// goes, so that a locked phone shows nothing.
    @MainActor
    func follow<T: Sendable & Equatable>(
        _ read: @escaping @Sendable (ClerkApp) throws -> T, show: @MainActor (T?, Failure?) -> Void
    ) async {
        for await now in watch(read) {
            switch now {
            case .success(let value): show(value, nil)
            case .failure(let error): show(nil, Failure(error))
            }
        }
    }

    /// Round after round, for as long as the stream is read. One at a time.
    public func backgroundSync() async throws -> AsyncStream<BackgroundEvent> {
        let (events, out) = AsyncStream.makeStream(of: BackgroundEvent.self, bufferingPolicy: .bufferingNewest(64))
        let running = try await call { try $0.startBackgroundSync(listener: BackgroundEar(out)) }
        background.running = running
        out.onTermination = { [background] _ in
            running.cancel()
            background.forget(running)
        }
        return events
    }

    /// The network is back, or the file open again: the background does not wait any longer. What is new to send wakes
    /// it by itself.
    func wakeBackgroundSync() { background.running?.wake() }

    /// Numbers what is held and closes the file; every call fails with `paused` until ``resume()``. Before the system
    /// suspends the app: who is suspended with a locked file is killed.
    public func pause() async throws { try await call { try $0.pause() } }

    /// Opens the file again. Lists that heard `paused` meanwhile read anew.
    public func resume() async throws {
        try await call { try $0.resume() }
        changes.changed()
        wakeBackgroundSync()
    }
}

/// What the background does.
public enum BackgroundEvent: Sendable {
    /// How far a round is.
    case progress(SyncProgress)
    /// A round got through.
    case synced(SyncReport)
    /// A round did not get through.
    case failed(ClerkError)
}

/// Runs what blocks on a thread of the queue.
private func blocking<T: Sendable>(
    on queue: DispatchQueue, _ block: @escaping @Sendable () throws -> T
) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: block)) }
    }
}

private func same<T: Equatable>(_ one: Result<T, any Error>, _ other: Result<T, any Error>) -> Bool {
    switch (one, other) {
    case (.success(let one), .success(let other)): one == other
    case (.failure(let one as ClerkError), .failure(let other as ClerkError)): one == other
    default: false
    }
}

/// Tells every list that rows changed. Lists that are behind hear of it once.
private final class Changes: DataListener, @unchecked Sendable {
    private let lock = NSLock()
    private var listeners: [UUID: AsyncStream<Void>.Continuation] = [:]

    /// One tick to begin with, then one after changes.
    func ticks() -> AsyncStream<Void> {
        let (ticks, tick) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        lock.withLock { listeners[id] = tick }
        tick.onTermination = { [weak self] _ in self?.forget(id) }
        tick.yield()
        return ticks
    }

    func changed() {
        // A copy: what hears may leave, and takes the lock for it.
        for tick in lock.withLock({ Array(listeners.values) }) { tick.yield() }
    }

    private func forget(_ id: UUID) { lock.withLock { _ = listeners.removeValue(forKey: id) } }
}

/// The background sync that runs, if one does.
private final class Background: @unchecked Sendable {
    private let lock = NSLock()
    private var current: BackgroundSync?

    var running: BackgroundSync? {
        get { lock.withLock { current } }
        set { lock.withLock { current = newValue } }
    }

    func forget(_ ended: BackgroundSync) { lock.withLock { if current === ended { current = nil } } }
}

private final class Progress: ProgressListener {
    private let heard: @Sendable (SyncProgress) -> Void

    init(_ heard: @escaping @Sendable (SyncProgress) -> Void) { self.heard = heard }

    func progress(progress: SyncProgress) { heard(progress) }
}

private final class BackgroundEar: BackgroundListener {
    private let out: AsyncStream<BackgroundEvent>.Continuation

    init(_ out: AsyncStream<BackgroundEvent>.Continuation) { self.out = out }

    func progress(progress: SyncProgress) { out.yield(.progress(progress)) }
    func synced(report: SyncReport) { out.yield(.synced(report)) }
    func failed(error: ClerkError) { out.yield(.failed(error)) }
}

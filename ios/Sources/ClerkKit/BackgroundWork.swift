import Foundation

/// Work for which the system gives the app time while nobody sees it, and which it has to be told is over: exactly
/// once, also when the time runs out before the work ends.
public final class BackgroundWork: @unchecked Sendable {
    private let lock = NSLock()
    private var complete: (@Sendable (Bool) -> Void)?
    private var running: Task<Void, Never>?
    private var expired = false
    private let grace: Duration

    /// `complete` is called once: whether the work got through. `grace`: so long the work has to end after its time
    /// ran out.
    public init(grace: Duration = .seconds(3), complete: @escaping @Sendable (Bool) -> Void) {
        self.grace = grace
        self.complete = complete
    }

    /// Begins the work; once.
    public func begin(_ work: @escaping @Sendable () async throws -> Void) {
        lock.withLock {
            guard running == nil, complete != nil else { return }
            running = Task {
                do {
                    try await work()
                    self.end(true)
                } catch {
                    self.end(false)
                }
            }
            if expired { running?.cancel() }
        }
    }

    /// The time is over: the work is cancelled, and the system hears of it when it has ended, or after the grace.
    public func expire() {
        lock.withLock {
            expired = true
            running?.cancel()
        }
        Task { [grace] in
            try? await Task.sleep(for: grace)
            self.end(false)
        }
    }

    private func end(_ success: Bool) {
        let tell = lock.withLock {
            defer { complete = nil }
            return complete
        }
        tell?(success)
    }
}

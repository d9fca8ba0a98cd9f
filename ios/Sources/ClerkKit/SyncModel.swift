import ClerkFFI
import Observation

/// How the phone stands with the hub.
@MainActor @Observable
public final class SyncModel {
    /// How the phone stands.
    public private(set) var status: PhoneStatus?
    /// What is on its way, and what got stuck; none while nobody uses the phone.
    public private(set) var queue: SyncQueue?
    /// How far the round is that runs.
    public private(set) var progress: SyncProgress?
    /// Why the last round did not get through.
    public private(set) var failure: Failure?
    /// Why nobody knows how the phone stands.
    public private(set) var unread: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Shows how the phone stands, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        await core.follow { app in
            Shown(status: try app.status(), queue: try app.syncQueue())
        } show: { shown, failure in
            status = shown?.status
            queue = shown?.queue
            unread = failure
        }
    }

    /// Keeps the phone in sync until the task is cancelled.
    public func run() async {
        do {
            for await event in try await core.backgroundSync() {
                switch event {
                case .progress(let now): progress = now
                case .synced: (progress, failure) = (nil, nil)
                case .failed(let error): (progress, failure) = (nil, Failure(error))
                }
            }
        } catch {
            failure = Failure(error)
        }
        progress = nil
    }

    /// One round now; one that is under way is waited for.
    public func syncNow() async {
        failure = await Failure.of { _ = try await core.sync(show: { self.progress = $0 }) }
        progress = nil
    }

    /// A stuck operation was seen.
    public func putAway(_ outboxId: Int64) async {
        failure = await core.change { try $0.putAway(outboxId: outboxId) }
    }

    private struct Shown: Equatable, Sendable {
        let status: PhoneStatus
        let queue: SyncQueue?
    }
}
